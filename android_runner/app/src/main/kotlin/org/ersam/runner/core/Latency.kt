package org.ersam.runner.core

import kotlin.math.ceil

/** Measures latency: every run is kept, and each repeat loads the model anew behind the gate. */
class Latency(
    private val plan: LatencyPlan,
    private val gate: Gate,
    private val platform: Platform,
    private val clusters: List<CpuCluster>,
    private val jobClock: JobClock,
) {
    private val runsPerRepeat = ceil(plan.minRuns.toDouble() / plan.repeats).toInt()
    private val secondsPerRepeat = plan.minSeconds / plan.repeats

    /** @param onRepeat told the number of each repeat when it begins, and what the gate waits for. */
    fun measure(subject: Subject, threads: Int, onRepeat: (Int, String) -> Unit): LatencyResult {
        val repeats = (0 until plan.repeats).map { repeat ->
            val passed = gate.pass { onRepeat(repeat, "waits: $it") }
            onRepeat(repeat, "measures latency with $threads threads")
            repeat(subject, threads, passed)
        }
        val samples = repeats.flatMap { it.samplesMs }
        return LatencyResult(
            threads = threads,
            p50Ms = percentile(samples, 50.0),
            p90Ms = percentile(samples, 90.0),
            p99Ms = percentile(samples, 99.0),
            // The phone cools down between two repeats: over all samples together none would be seen to become slower.
            driftRatio = rounded(repeats.maxOf { driftRatio(it.samplesMs) }),
            repeats = repeats,
        )
    }

    private fun repeat(subject: Subject, threads: Int, passed: GateResult): LatencyRepeat {
        val before = platform.conditions(jobClock.elapsedMs())
        val loadBegin = platform.clock.nanos()
        subject.load(threads).use { model ->
            val loadMs = millisSince(loadBegin)
            val firstMs = timed { subject.run(model) }
            val warmUp = WarmUp(plan.warmUp)
            val warmBegin = platform.clock.nanos()
            while (!warmUp.over(secondsSince(warmBegin))) warmUp.add(timed { subject.run(model) })
            val cpus = CpuLooks(platform)
            val samples = ArrayList<Double>(runsPerRepeat)
            val begin = platform.clock.nanos()
            while (samples.size < runsPerRepeat || secondsSince(begin) < secondsPerRepeat) {
                samples += timed { subject.run(model) }
                cpus.look()
            }
            return LatencyRepeat(
                loadMs = loadMs,
                firstInferenceMs = firstMs,
                warmUpRuns = warmUp.runs,
                warmUpStable = warmUp.stable,
                samplesMs = samples,
                seconds = rounded(secondsSince(begin)),
                before = before,
                after = platform.conditions(jobClock.elapsedMs()),
                gate = passed,
                ranOn = cpus.result(clusters),
            )
        }
    }

    private inline fun timed(block: () -> Unit): Double {
        val begin = platform.clock.nanos()
        block()
        return millisSince(begin)
    }

    /** At least a nanosecond: no run takes no time. */
    private fun millisSince(begin: Long): Double = rounded((platform.clock.nanos() - begin).coerceAtLeast(1) / 1e6)

    private fun secondsSince(begin: Long): Double = (platform.clock.nanos() - begin) / NANOS_PER_SECOND
}
