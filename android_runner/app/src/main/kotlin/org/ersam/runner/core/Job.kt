package org.ersam.runner.core

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonClassDiscriminator

/** What to measure: `job.json`, written by `python -m deploy phone`; see `deploy/schemas/job.schema.json`. */
@Serializable
data class Job(
    val schemaVersion: Int,
    val jobId: String,
    /** UTC, ISO 8601. */
    val created: String,
    val kitVersion: String,
    val models: List<JobModel>,
    val threads: List<Int>,
    val latency: LatencyPlan,
    val memory: MemoryPlan?,
    val energy: EnergyPlan?,
    val dayProfile: DayProfilePlan?,
    val gate: GatePlan,
)

/** A pushed file; [path] is absolute or relative to the folder of the job file. */
@Serializable
data class FileRef(val path: String, val sha256: String)

/** One model file to measure; [key] is its name within the job. */
@OptIn(ExperimentalSerializationApi::class)
@Serializable
@JsonClassDiscriminator("kind")
sealed interface JobModel {
    val key: String
    val precision: String
    val model: FileRef
}

/** A bundle's model at one precision, with the manifest and the vectors it is checked by. */
@Serializable
@SerialName("bundle")
data class BundleModel(
    override val key: String,
    override val precision: String,
    val name: String,
    val manifest: FileRef,
    override val model: FileRef,
    val vectors: FileRef,
) : JobModel

/** A program without vectors, such as a front end alone; fed with noise of [inputShape]. */
@Serializable
@SerialName("piece")
data class PieceModel(
    override val key: String,
    override val precision: String,
    override val model: FileRef,
    val inputShape: List<Int>,
    val runtimeVersion: String,
) : JobModel

/** [minSeconds] and [minRuns] are totals per model and number of threads, shared by the [repeats]. */
@Serializable
data class LatencyPlan(val repeats: Int, val minSeconds: Double, val minRuns: Int, val warmUp: WarmUpPlan)

/** Warm until the median of [windowRuns] runs is within [tolerance] (a share) of the window before. */
@Serializable
data class WarmUpPlan(val windowRuns: Int, val tolerance: Double, val maxSeconds: Double)

/** The pass that looks at memory and times nothing. */
@Serializable
data class MemoryPlan(val runs: Int)

/** Windows of work between windows of idling, [repeats] times. */
@Serializable
data class EnergyPlan(
    val threads: Int,
    val repeats: Int,
    val activeSeconds: Double,
    val baselineSeconds: Double,
    val sampleIntervalMs: Long,
)

/** One clip every [intervalSeconds] for [minutes], then nothing for as long. */
@Serializable
data class DayProfilePlan(val threads: Int, val intervalSeconds: Double, val minutes: Double)

/** What must hold before a repeat begins, and how long it is waited for. */
@Serializable
data class GatePlan(
    val maxBatteryTemperatureC: Double,
    val maxThermalHeadroom: Double,
    val maxWaitSeconds: Double,
    val pollSeconds: Double,
    val minBatteryPercent: Int,
)
