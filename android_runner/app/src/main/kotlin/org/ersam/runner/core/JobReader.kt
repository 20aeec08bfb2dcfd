package org.ersam.runner.core

import java.io.File
import java.io.IOException
import kotlinx.serialization.SerializationException

const val JOB_SCHEMA_VERSION = 1
private val JOB_ID = Regex("[A-Za-z0-9._-]{1,64}")
private val NAME = Regex("[A-Za-z0-9._-]+")
internal val PRECISIONS = listOf("fp32", "int8")
private val SHA256 = Regex("[0-9a-f]{64}")

/** A job with the file it came from, whose hash ties a result to it. */
class JobFile(val job: Job, val folder: File, val sha256: String) {
    /** The file that [reference] names. */
    fun resolve(reference: FileRef): File =
        File(reference.path).let { if (it.isAbsolute) it else File(folder, reference.path) }
}

/**
 * Read and validate a job.
 *
 * @throws RunnerError `bad_job`: unreadable, not JSON, or a field that is missing, unknown or out of range.
 */
fun readJob(file: File): JobFile {
    val bytes = try {
        file.readBytes()
    } catch (error: IOException) {
        throw RunnerError(ErrorCode.BAD_JOB, "$file: cannot be read (${error.message}); push the job again")
    }
    val job = try {
        KitJson.decodeFromString(Job.serializer(), bytes.decodeToString())
    } catch (error: SerializationException) {
        throw RunnerError(ErrorCode.BAD_JOB, "$file: not a job of this runner: ${firstLine(error)}")
    }
    job.problem()?.let { throw RunnerError(ErrorCode.BAD_JOB, "$file: $it") }
    return JobFile(job, file.absoluteFile.parentFile, sha256(bytes))
}

private fun firstLine(error: Exception): String = error.message.orEmpty().lineSequence().first()

/** The first field that is out of range, the value got and what is allowed; null where all is well. */
private fun Job.problem(): String? = when {
    schemaVersion != JOB_SCHEMA_VERSION ->
        "schema_version: got $schemaVersion, expected $JOB_SCHEMA_VERSION; install the runner of this kit"
    !JOB_ID.matches(jobId) -> "job_id: got '$jobId', expected at most 64 letters, digits, '.', '_', '-'"
    models.isEmpty() -> "models: got none, expected at least one"
    models.map { it.key }.toSet().size < models.size -> "models: two have the same key"
    threads.isEmpty() || threads.any { it < 1 } || threads.toSet().size < threads.size ->
        "threads: got $threads, expected distinct numbers of at least 1"
    else -> models.firstNotNullOfOrNull { it.problem() }
        ?: latency.problem() ?: memory?.problem() ?: energy?.problem() ?: dayProfile?.problem() ?: gate.problem()
}

private fun JobModel.problem(): String? = when {
    !NAME.matches(key) -> "models: key '$key', expected letters, digits, '.', '_', '-'"
    precision !in PRECISIONS -> "models.$key.precision: got '$precision', expected one of $PRECISIONS"
    else -> model.problem("models.$key.model") ?: when (this) {
        is BundleModel -> manifest.problem("models.$key.manifest") ?: vectors.problem("models.$key.vectors")
        is PieceModel -> when {
            inputShape.isEmpty() || inputShape.any { it < 1 } ->
                "models.$key.input_shape: got $inputShape, expected sizes of at least 1"
            versionNumbers(runtimeVersion) == null ->
                "models.$key.runtime_version: got '$runtimeVersion', expected such as 1.4.1"
            else -> null
        }
    }
}

private fun FileRef.problem(field: String): String? = when {
    path.isEmpty() -> "$field.path: is empty"
    !SHA256.matches(sha256) -> "$field.sha256: got '$sha256', expected 64 hexadecimal digits"
    else -> null
}

private fun LatencyPlan.problem(): String? = atLeast("latency.repeats", repeats, 1)
    ?: atLeast("latency.min_seconds", minSeconds, 0)
    ?: atLeast("latency.min_runs", minRuns, 1)
    ?: atLeast("latency.warm_up.window_runs", warmUp.windowRuns, 1)
    ?: positive("latency.warm_up.tolerance", warmUp.tolerance)
    ?: atLeast("latency.warm_up.max_seconds", warmUp.maxSeconds, 0)

private fun MemoryPlan.problem(): String? = atLeast("memory.runs", runs, 1)

private fun EnergyPlan.problem(): String? = atLeast("energy.threads", threads, 1)
    ?: atLeast("energy.repeats", repeats, MIN_REPEATS)
    ?: positive("energy.active_seconds", activeSeconds)
    ?: positive("energy.baseline_seconds", baselineSeconds)
    ?: atLeast("energy.sample_interval_ms", sampleIntervalMs, 1)

private fun DayProfilePlan.problem(): String? = atLeast("day_profile.threads", threads, 1)
    ?: positive("day_profile.interval_seconds", intervalSeconds)
    ?: positive("day_profile.minutes", minutes)

private fun GatePlan.problem(): String? = atLeast("gate.max_wait_seconds", maxWaitSeconds, 0)
    ?: positive("gate.poll_seconds", pollSeconds)
    ?: positive("gate.max_thermal_headroom", maxThermalHeadroom)

private fun atLeast(field: String, value: Number, least: Int): String? =
    if (value.toDouble() >= least) null else "$field: got $value, expected at least $least"

private fun positive(field: String, value: Double): String? =
    if (value > 0) null else "$field: got $value, expected more than 0"
