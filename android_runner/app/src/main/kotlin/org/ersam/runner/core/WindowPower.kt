package org.ersam.runner.core

import kotlin.math.abs

/** Mean power over a window of readings, or null with the reason; [stepMj] is the meter's smallest step, in mJ. */
data class WindowPower(val milliwatts: Double?, val stepMj: Double?, val reason: String?) {
    companion object {
        fun none(reason: String): WindowPower = WindowPower(null, null, reason)
    }
}

/** Mean power of a window, by one method; nothing is guessed where the readings do not bear it. */
fun windowPower(readings: List<MeterReading>, method: EnergyMethod): WindowPower = when (method) {
    EnergyMethod.POWER_RAILS -> railsPower(readings)
    EnergyMethod.BATTERY_CHARGE_COUNTER -> chargePower(readings)
    EnergyMethod.BATTERY_CURRENT -> currentPower(readings)
}

/** Sum of all rails' energy between the first and the last distinct reading of the window: uJ / ms = mW. */
private fun railsPower(readings: List<MeterReading>): WindowPower {
    val distinct = readings.filter { it.railsUj != null }.distinctBy { it.elapsedMs }.sortedBy { it.elapsedMs }
    if (distinct.size < 2) {
        val silent = readings.count { it.railsUj == null }
        val unanswered = if (silent > 0) ", and did not answer $silent times" else ""
        return WindowPower.none("the rails gave ${distinct.size} new readings in the window, needed 2$unanswered: make it longer")
    }
    val first = distinct.first()
    val last = distinct.last()
    for ((before, after) in distinct.zipWithNext()) {
        val fallen = before.railsUj.orEmpty().entries.firstOrNull { (rail, uj) -> (after.railsUj?.get(rail) ?: 0) < uj }
        if (fallen != null) return WindowPower.none("rail ${fallen.key} counted backwards from ${fallen.value} uJ")
    }
    val spentUj = last.railsUj.orEmpty().entries.sumOf { (rail, uj) -> uj - (first.railsUj?.get(rail) ?: uj) }
    if (spentUj == 0L) return WindowPower.none("no rail moved in the window")
    return WindowPower(spentUj.toDouble() / (last.elapsedMs - first.elapsedMs), MJ_PER_UJ, null)
}

/**
 * Charge that left the battery times its voltage.
 *
 * The counter moves in steps, at times that are not ours. So power is taken from the first step to
 * the last one, between which charge and time are both known.
 */
private fun chargePower(readings: List<MeterReading>): WindowPower {
    val points = readings.mapNotNull { reading ->
        val charge = reading.chargeUah ?: return@mapNotNull null
        val voltage = reading.voltageMv ?: return@mapNotNull null
        Point(reading.elapsedMs, charge, voltage)
    }
    if (points.isEmpty()) return WindowPower.none("the battery has no charge counter, or no voltage")
    if (points.all { it.charge == 0L }) return WindowPower.none("the charge counter reads 0")
    readings.firstNotNullOfOrNull(::unitProblem)?.let { return WindowPower.none(it) }
    points.zipWithNext().firstOrNull { (before, after) -> after.charge > before.charge }?.let { (before, after) ->
        return WindowPower.none("the charge counter rose from ${before.charge} to ${after.charge} uAh")
    }
    val steps = points.zipWithNext().filter { (before, after) -> after.charge < before.charge }.map { it.second }
    if (steps.size < 2) {
        return WindowPower.none("the charge counter moved ${steps.size} times in the window, needed 2: stuck or too coarse")
    }
    val pieces = steps.zipWithNext { before, after ->
        (before.charge - after.charge) * (before.voltage + after.voltage) / 2.0 * MJ_PER_UAH_MV
    }
    val betweenMs = steps.last().atMs - steps.first().atMs
    val meanUa = (steps.first().charge - steps.last().charge) * MS_PER_HOUR / betweenMs
    if (meanUa < MIN_MICROAMPERES) {
        return WindowPower.none("the charge counter tells ${meanUa.toLong()} uA, too little for a phone awake; perhaps it is in mAh")
    }
    val milliwatts = 1e3 * pieces.sum() / betweenMs
    if (milliwatts > MAX_MILLIWATTS) return WindowPower.none("the charge counter jumped: ${milliwatts.toLong()} mW")
    val stepUah = counterStep(points.zipWithNext { before, after -> before.charge - after.charge })
    return WindowPower(milliwatts, stepUah * points[0].voltage * MJ_PER_UAH_MV, null)
}

private fun unitProblem(reading: MeterReading): String? = chargeUnitProblem(reading.chargeUah, reading.batteryPercent)

/** Why [charge] at [percent] of a full battery is not in uAh, or null; one that is nearly empty does not show it. */
fun chargeUnitProblem(charge: Long?, percent: Double?): String? =
    if (charge == null || percent == null || percent < MIN_TELLING_PERCENT || charge / (percent / 100) >= MIN_FULL_UAH) {
        null
    } else {
        "the charge counter reads $charge at $percent %, in uAh too little for a phone; perhaps it is in mAh"
    }

/**
 * Smallest step of a counter that was seen to fall by [falls], 0 where it stood still.
 *
 * One that stands still between readings shows its steps one by one. One that always moves shows
 * multiples of its step.
 */
private fun counterStep(falls: List<Long>): Long {
    val moved = falls.filter { it > 0 }
    return if (moved.size < falls.size) moved.min() else moved.reduce(::greatestCommonDivisor)
}

private tailrec fun greatestCommonDivisor(a: Long, b: Long): Long = if (b == 0L) a else greatestCommonDivisor(b, a % b)

/** Current times voltage, integrated by the trapezoidal rule; the sign of the current differs between phones. */
private fun currentPower(readings: List<MeterReading>): WindowPower {
    val points = readings.mapNotNull { reading ->
        val current = reading.currentUa ?: return@mapNotNull null
        val voltage = reading.voltageMv ?: return@mapNotNull null
        Point(reading.elapsedMs, current, voltage)
    }
    if (points.size < 2) return WindowPower.none("the battery tells no current, or no voltage")
    val currents = points.map { it.charge }
    if (currents.all { it == 0L }) return WindowPower.none("the battery's current reads 0")
    if (currents.any { it < 0 } && currents.any { it > 0 }) {
        return WindowPower.none("the battery's current changed its sign in the window")
    }
    if (currents.toSet().size == 1) return WindowPower.none("the battery's current is stuck at ${currents[0]} uA")
    val meanUa = currents.map { abs(it) }.average()
    if (meanUa < MIN_MICROAMPERES) {
        return WindowPower.none("the battery's current is ${meanUa.toLong()} uA, too little for a phone awake; perhaps it is in mA")
    }
    val energyMj = points.zipWithNext().sumOf { (before, after) ->
        (before.milliwatts + after.milliwatts) / 2 * (after.atMs - before.atMs) / 1e3
    }
    val seconds = (points.last().atMs - points.first().atMs) / 1e3
    if (seconds <= 0) return WindowPower.none("the window is too short for its readings")
    val smallestUa = currents.sorted().zipWithNext { a, b -> b - a }.filter { it > 0 }.min()
    val stepMj = smallestUa * points[0].voltage * MW_PER_UA_MV * seconds
    return WindowPower(energyMj / seconds, stepMj, null)
}

/** [charge] is in uAh, or of [currentPower] a current in uA; [voltage] in mV. */
private class Point(val atMs: Long, val charge: Long, val voltage: Long) {
    val milliwatts: Double get() = abs(charge) * voltage * MW_PER_UA_MV
}

private const val MJ_PER_UJ = 1e-3
private const val MJ_PER_UAH_MV = 3.6e-3
private const val MW_PER_UA_MV = 1e-6
private const val MS_PER_HOUR = 3.6e6

/** More than any phone draws. */
private const val MAX_MILLIWATTS = 50_000.0

/** Less than any phone draws while its processor is kept awake. */
private const val MIN_MICROAMPERES = 2_000.0

/** A full battery smaller than any phone's. */
private const val MIN_FULL_UAH = 200_000

/** Below it the level's own step of 1 % is too large a part of it. */
private const val MIN_TELLING_PERCENT = 5
