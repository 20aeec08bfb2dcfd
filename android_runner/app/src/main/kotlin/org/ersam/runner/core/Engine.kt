package org.ersam.runner.core

import java.io.File
import kotlinx.serialization.Serializable

/** The runtime as it names itself. */
@Serializable
data class EngineInfo(val name: String, val version: String, val backends: List<String>)

/** A runtime that loads and runs models. At most one model of it is loaded at a time. */
interface Engine {
    val info: EngineInfo

    /**
     * Load a model and set up its `forward` method, so that the next call can run.
     *
     * @param threads size of the runtime's thread pool.
     * @throws RunnerError `engine_failed`.
     */
    fun load(model: File, threads: Int): LoadedModel
}

/** A model that is ready to run; [close] frees its memory. */
interface LoadedModel : AutoCloseable {
    /**
     * Run once.
     *
     * @param input float32 of [shape], row-major.
     * @return the first output, flattened.
     * @throws RunnerError `engine_failed`.
     */
    fun run(input: FloatArray, shape: IntArray): FloatArray
}
