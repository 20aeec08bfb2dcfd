package org.ersam.runner.core

/** Memory that a model needs, in a pass of its own: looking at it takes milliseconds and would spoil the timing. */
fun measureMemory(subject: Subject, platform: Platform, threads: Int, plan: MemoryPlan): MemoryResult {
    val before = platform.memory()
    var peak = before
    subject.load(threads).use { model ->
        repeat(plan.runs) {
            subject.run(model)
            val now = platform.memory()
            peak = MemoryReading(larger(peak.pssBytes, now.pssBytes), larger(peak.nativeHeapBytes, now.nativeHeapBytes))
        }
    }
    return MemoryResult(
        pssBeforeBytes = before.pssBytes,
        pssPeakBytes = peak.pssBytes,
        nativeHeapBeforeBytes = before.nativeHeapBytes,
        nativeHeapPeakBytes = peak.nativeHeapBytes,
        runs = plan.runs,
        method = "largest of the looks after each of ${plan.runs} runs with $threads threads, against before loading",
    )
}

private fun larger(a: Figure, b: Figure): Figure = when {
    a.value == null -> b
    b.value == null -> a
    else -> if (b.value > a.value) b else a
}
