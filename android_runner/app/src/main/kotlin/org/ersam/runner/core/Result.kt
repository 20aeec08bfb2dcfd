package org.ersam.runner.core

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

const val RESULT_SCHEMA_VERSION = 1

/** What was measured: written after every model; see `deploy/schemas/phone_result.schema.json`. */
@Serializable
data class JobResult(
    val schemaVersion: Int,
    val jobId: String,
    val jobSha256: String,
    /** Whether every model was taken, also where some failed. */
    val complete: Boolean,
    val started: String,
    val finished: String,
    val error: ErrorReport?,
    val runner: RunnerVersion,
    val engine: EngineInfo?,
    val device: DeviceInfo,
    val models: List<ModelResult>,
)

@Serializable
data class ErrorReport(val code: String, val message: String) {
    constructor(error: RunnerError) : this(error.code.word, error.message.orEmpty())
}

@Serializable
data class RunnerVersion(val version: String, val versionCode: Int)

/** The machine. [cpuClusters] are the cores of one kind, the slowest first; empty where the system does not tell. */
@Serializable
data class DeviceInfo(
    val manufacturer: String,
    val model: String,
    val codename: String,
    val soc: Text,
    val fingerprint: String,
    val androidRelease: String,
    val sdkInt: Int,
    val securityPatch: Text,
    val abis: List<String>,
    val cores: Int,
    val memoryBytes: Long,
    val cpuClusters: List<CpuCluster>,
    val cpuset: Text,
    val allowedCpus: List<Int>,
)

/** Cores of one kind; [className] is `little`, `middle`, `big`, or `only` where all are alike. */
@Serializable
data class CpuCluster(
    val cpus: List<Int>,
    @SerialName("class") val className: String,
    val maxKhz: Figure,
    val governor: Text,
)

/** State of the machine at one moment, [elapsedMs] after the job began. */
@Serializable
data class Conditions(
    val elapsedMs: Long,
    val batteryTemperatureC: Figure,
    val batteryPercent: Figure,
    val voltageMv: Figure,
    /** none, ac, usb, wireless, dock or unknown. */
    val plugged: String,
    val charging: Flag,
    val thermalStatus: Text,
    val thermalHeadroom: Figure,
    val screenOn: Flag,
    val powerSave: Flag,
    /** Per cluster, in the order of [DeviceInfo.cpuClusters]. */
    val cpuKhz: List<Figure>,
)

@Serializable
data class ModelResult(
    val key: String,
    val kind: String,
    val precision: String,
    val name: String,
    val modelSha256: String,
    val manifestSha256: String?,
    val status: String,
    val error: ErrorReport?,
    val vectors: VectorsResult?,
    val latency: List<LatencyResult>,
    val memory: MemoryResult?,
    val energy: EnergyResult?,
    val dayProfile: DayProfileResult?,
) {
    companion object {
        const val OK = "ok"
        const val FAILED = "failed"
    }
}

/** [maxDifference] of a probability from what the bundle expects; null where an output was no number. */
@Serializable
data class VectorsResult(val count: Int, val maxDifference: Double?, val tolerance: Double, val passed: Boolean)

/** Percentiles are of all samples of all [repeats], [driftRatio] is the largest of a repeat's. */
@Serializable
data class LatencyResult(
    val threads: Int,
    val p50Ms: Double,
    val p90Ms: Double,
    val p99Ms: Double,
    val driftRatio: Double,
    val repeats: List<LatencyRepeat>,
)

@Serializable
data class LatencyRepeat(
    val loadMs: Double,
    val firstInferenceMs: Double,
    val warmUpRuns: Int,
    val warmUpStable: Boolean,
    val samplesMs: List<Double>,
    val seconds: Double,
    val before: Conditions,
    val after: Conditions,
    val gate: GateResult,
    val ranOn: RanOn,
)

/** [reason]: what was waited for, or why nothing could be; null where the state was right at once. */
@Serializable
data class GateResult(val waitedSeconds: Double, val timedOut: Boolean, val reason: String?)

/** Cores on which the measuring thread was seen, in [samples] looks between runs. */
@Serializable
data class RanOn(val cpus: List<Int>, val classes: List<String>, val samples: Int, val reason: String?)

@Serializable
data class MemoryResult(
    val pssBeforeBytes: Figure,
    val pssPeakBytes: Figure,
    val nativeHeapBeforeBytes: Figure,
    val nativeHeapPeakBytes: Figure,
    val runs: Int,
    val method: String,
)

/** Energy of one clip above idling, with its 95 % interval, or null with the [reason]. */
@Serializable
data class EnergyResult(
    val valueMj: Double?,
    val lowMj: Double?,
    val highMj: Double?,
    val reason: String?,
    val method: String?,
    val meter: String?,
    val resolutionMj: Double?,
    val threads: Int?,
    val repeats: List<EnergyRepeat>,
    val readings: List<Readings>,
)

@Serializable
data class EnergyRepeat(
    val runs: Int,
    val activeSeconds: Double,
    val activeMj: Double?,
    val baselineBeforeMw: Double?,
    val baselineAfterMw: Double?,
    val perClipMj: Double?,
    val used: Boolean,
    val reason: String?,
)

/** Everything the meter said in one window, one value per entry of [elapsedMs]. */
@Serializable
data class Readings(
    val phase: String,
    val repeat: Int,
    val elapsedMs: List<Long>,
    val chargeUah: List<Long>?,
    val currentUa: List<Long>?,
    val voltageMv: List<Long>?,
    val railsUj: Map<String, List<Long>>?,
)

@Serializable
data class DayProfileResult(
    val intervalSeconds: Double,
    val minutes: Double,
    val clips: Int,
    val meanMw: Figure,
    val idleMw: Figure,
    val addedMw: Figure,
    val batteryHours: Figure,
    val batteryMwh: Figure,
    val heldAwake: Boolean,
    val method: String?,
)
