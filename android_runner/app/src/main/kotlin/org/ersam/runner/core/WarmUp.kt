package org.ersam.runner.core

import kotlin.math.abs

/**
 * Says when a net has become as fast as it gets: the median of the last window of runs is within a
 * tolerance of the median of the window before.
 */
class WarmUp(private val plan: WarmUpPlan) {
    private val samplesMs = mutableListOf<Double>()

    val runs: Int get() = samplesMs.size

    /** Whether the last two windows agree. */
    val stable: Boolean
        get() {
            val window = plan.windowRuns
            if (samplesMs.size < 2 * window) return false
            val last = median(samplesMs.takeLast(window))
            val before = median(samplesMs.dropLast(window).takeLast(window))
            return abs(last - before) <= plan.tolerance * before
        }

    fun add(sampleMs: Double) {
        samplesMs += sampleMs
    }

    /** Whether warming is over after [seconds]: stable at the end of a window, or out of time. At least one run. */
    fun over(seconds: Double): Boolean =
        runs >= 1 && (seconds >= plan.maxSeconds || (runs % plan.windowRuns == 0 && stable))
}
