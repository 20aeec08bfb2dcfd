package org.ersam.runner.core

import java.io.File
import java.io.IOException
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException

/** What the runner reads of a bundle's `manifest.json`. */
@Serializable
data class Manifest(
    val name: String,
    val clipSamples: Int,
    val outputs: List<String>,
    val levels: Levels? = null,
    val runtime: Runtime,
    val precisions: Map<String, Precision?>,
    val files: Map<String, Content>,
) {
    @Serializable
    data class Levels(val edges: List<Int>, val names: List<String>)

    @Serializable
    data class Runtime(val version: String)

    @Serializable
    data class Precision(val file: String, val tolerance: Double)

    @Serializable
    data class Content(val sha256: String)

    /**
     * The levels by which a bundle that counts people decides.
     *
     * @throws RunnerError `bad_bundle`: it names classes or makes embeddings, or its levels are no levels.
     */
    fun ambianceLevels(): AmbianceLevels {
        val (edges, names) = levels
            ?: throw RunnerError(ErrorCode.BAD_BUNDLE, "$name: has no levels, for it does not count people; choose one that does")
        if (names.size != edges.size + 1) {
            throw RunnerError(
                ErrorCode.BAD_BUNDLE,
                "$name: has ${names.size} names of levels for ${edges.size} edges, expected one more; lower the net anew",
            )
        }
        return AmbianceLevels(edges, names)
    }
}

/**
 * Read a bundle's manifest.
 *
 * @throws RunnerError `bad_bundle`.
 */
fun readManifest(file: File): Manifest = try {
    LenientJson.decodeFromString(Manifest.serializer(), file.readText()).also {
        if (it.clipSamples < 1) {
            throw RunnerError(ErrorCode.BAD_BUNDLE, "$file: clip_samples is ${it.clipSamples}, expected 1 or more; lower the net anew")
        }
    }
} catch (error: SerializationException) {
    throw RunnerError(ErrorCode.BAD_BUNDLE, "$file: not a bundle's manifest (${error.message}); lower the net anew")
} catch (error: IOException) {
    throw RunnerError(ErrorCode.BAD_BUNDLE, "$file: cannot be read (${error.message}); push the bundle again")
}

/**
 * Make sure that a pushed file is the one the job means.
 *
 * @throws RunnerError `bundle_changed`: missing, or of another hash.
 */
fun checkFile(file: File, expectedSha256: String) {
    val got = try {
        sha256(file)
    } catch (error: IOException) {
        throw RunnerError(ErrorCode.BUNDLE_CHANGED, "$file: cannot be read (${error.message}); push it again")
    }
    if (got != expectedSha256) {
        throw RunnerError(
            ErrorCode.BUNDLE_CHANGED,
            "$file: has sha256 ${got.take(SHOWN)}..., the job says ${expectedSha256.take(SHOWN)}...; push it again",
        )
    }
}

/** @throws RunnerError `old_runtime`: [engine] is older than what [key] was lowered for. */
fun checkRuntime(key: String, needed: String, engine: EngineInfo) {
    if (!runtimeReads(engine.version, needed)) {
        throw RunnerError(
            ErrorCode.OLD_RUNTIME,
            "$key: lowered for executorch $needed, the runner has the older ${engine.version};" +
                " install a runner with executorch $needed or later",
        )
    }
}

private const val SHOWN = 12
