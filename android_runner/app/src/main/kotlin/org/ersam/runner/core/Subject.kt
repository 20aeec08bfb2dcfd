package org.ersam.runner.core

import java.io.File

/** What every pass over one model needs; [input] of [shape] is float32, row-major. */
class Subject(val engine: Engine, val file: File, val input: FloatArray, val shape: IntArray) {
    fun load(threads: Int): LoadedModel = engine.load(file, threads)

    fun run(model: LoadedModel): FloatArray = model.run(input, shape)
}

/** Time since the job began. */
class JobClock(private val clock: Clock) {
    private val begin = clock.nanos()

    fun elapsedMs(): Long = (clock.nanos() - begin) / 1_000_000
}
