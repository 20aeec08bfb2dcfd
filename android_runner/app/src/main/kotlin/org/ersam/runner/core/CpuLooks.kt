package org.ersam.runner.core

/** Looks now and then, between runs, at the core that the measuring thread is on. */
class CpuLooks(private val platform: Platform) {
    private val seen = mutableListOf<Int>()
    private var lastLook: Long? = null

    /** Looks if the last look is [INTERVAL_NANOS] ago. */
    fun look() {
        val now = platform.clock.nanos()
        if (lastLook?.let { now - it < INTERVAL_NANOS } == true) return
        lastLook = now
        platform.currentCpu()?.let { seen += it }
    }

    /** What was seen; the classes are those of [clusters]. */
    fun result(clusters: List<CpuCluster>): RanOn {
        val cpus = seen.distinct().sorted()
        val classes = clusters.filter { cluster -> cluster.cpus.any { it in cpus } }.map { it.className }.distinct()
        val reason = when {
            seen.isEmpty() -> "the system does not tell the core of a thread"
            clusters.isEmpty() -> "the system does not tell the speed of its cores"
            else -> null
        }
        return RanOn(cpus, classes, seen.size, reason)
    }

    private companion object {
        const val INTERVAL_NANOS = 250_000_000L
    }
}
