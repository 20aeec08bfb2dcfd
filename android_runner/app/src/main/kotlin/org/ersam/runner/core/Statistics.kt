package org.ersam.runner.core

import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.sqrt

/**
 * Percentile by linear interpolation between order statistics, as `numpy.percentile` has it
 * (Hyndman and Fan 1996, type 7).
 *
 * @param values not empty, in any order.
 * @param percent 0..100.
 */
fun percentile(values: List<Double>, percent: Double): Double {
    require(values.isNotEmpty()) { "percentile of no values" }
    val sorted = values.sorted()
    val position = percent / 100 * (sorted.size - 1)
    val below = sorted[floor(position).toInt()]
    val above = sorted[ceil(position).toInt()]
    return below + (above - below) * (position - floor(position))
}

fun median(values: List<Double>): Double = percentile(values, 50.0)

/** Median of the last third over that of the first third: 1 where nothing changed, above 1 where it became slower. */
fun driftRatio(samples: List<Double>): Double {
    val third = maxOf(1, samples.size / 3)
    return median(samples.takeLast(third)) / median(samples.take(third))
}

/** A mean with the half width of its 95 % interval, in the unit of the values. */
data class MeanInterval(val mean: Double, val halfWidth: Double) {
    val low: Double get() = mean - halfWidth
    val high: Double get() = mean + halfWidth
}

/**
 * Mean with its 95 % interval by Student's t.
 *
 * @param values at least two.
 */
fun meanInterval(values: List<Double>): MeanInterval {
    require(values.size >= 2) { "an interval needs two values, got ${values.size}" }
    val mean = values.average()
    val variance = values.sumOf { (it - mean) * (it - mean) } / (values.size - 1)
    return MeanInterval(mean, studentT975(values.size - 1) * sqrt(variance / values.size))
}

/** 97.5 % quantile of Student's t, as tables print it; between entries the next smaller degree, which is wider. */
fun studentT975(degrees: Int): Double {
    require(degrees >= 1) { "degrees of freedom: got $degrees, expected at least 1" }
    return T_TABLE.last { it.first <= degrees }.second
}

private val T_TABLE = listOf(
    1 to 12.706, 2 to 4.303, 3 to 3.182, 4 to 2.776, 5 to 2.571, 6 to 2.447, 7 to 2.365, 8 to 2.306, 9 to 2.262,
    10 to 2.228, 12 to 2.179, 15 to 2.131, 20 to 2.086, 30 to 2.042, 60 to 2.000, 120 to 1.980,
)

/** [value] to a millionth: finer than any clock here, and shorter in the file. */
fun rounded(value: Double): Double = Math.round(value * 1e6) / 1e6
