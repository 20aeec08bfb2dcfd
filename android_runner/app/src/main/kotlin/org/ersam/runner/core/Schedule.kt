package org.ersam.runner.core

/** How long the parts of a job will take, in s, so that progress can be told as a share. */
class Schedule(private val job: Job) {
    val latencyRepeat: Double = job.latency.minSeconds / job.latency.repeats + OVERHEAD_SECONDS
    val memory: Double = OVERHEAD_SECONDS
    val check: Double = OVERHEAD_SECONDS
    val energy: Double = job.energy?.run { repeats * activeSeconds + (repeats + 1) * baselineSeconds } ?: 0.0
    val dayProfile: Double = job.dayProfile?.run { 2 * 60 * minutes } ?: 0.0

    /** Of one model. */
    val model: Double
        get() = check + job.threads.size * job.latency.repeats * latencyRepeat +
            (if (job.memory == null) 0.0 else memory) + energy + dayProfile

    val total: Double get() = model * job.models.size

    private companion object {
        const val OVERHEAD_SECONDS = 2.0
    }
}
