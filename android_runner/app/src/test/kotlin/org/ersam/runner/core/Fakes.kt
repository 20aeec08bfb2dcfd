package org.ersam.runner.core

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Time that passes only when something takes it. */
class FakeClock : Clock {
    var now = 0L

    override fun nanos(): Long = now

    override fun sleepMillis(millis: Long) {
        now += millis * 1_000_000
    }

    override fun utc(): String = "2026-11-21T12:00:00Z"
}

/** Runs in [runMs] of the fake clock; answers [answer]. */
class FakeEngine(
    private val clock: FakeClock,
    private val runMs: Long = 5,
    override val info: EngineInfo = EngineInfo("executorch", "1.4.1", listOf("XnnpackBackend")),
    private val answer: (FloatArray) -> FloatArray,
) : Engine {
    /** Models loaded so far, of them still open, and runs of all of them. */
    var loaded = 0
    var open = 0
    var runs = 0

    override fun load(model: File, threads: Int): LoadedModel {
        loaded++
        open++
        clock.sleepMillis(20)
        return object : LoadedModel {
            override fun run(input: FloatArray, shape: IntArray): FloatArray {
                runs++
                clock.sleepMillis(runMs)
                return answer(input)
            }

            override fun close() {
                open--
            }
        }
    }
}

/** A phone whose state a test sets. */
class FakePlatform(override val clock: FakeClock = FakeClock()) : Platform {
    var temperatureC: (Long) -> Double = { 25.0 }
    var headroom: (Long) -> Double? = { 0.2 }
    var percent = 80.0
    var plugged = "none"
    var chargeUah = 2_400_000L
    var meter: PowerMeter? = null
    var clusters = listOf(CpuCluster(listOf(0, 1), "little", Figure.of(1.8e6), Text.of("schedutil")))

    override fun device(): DeviceInfo = DeviceInfo(
        "ERSAM", "fake", "fake", Text.of("none"), "ersam/fake", "15", 35, Text.of("2026-11-01"), listOf("arm64-v8a"),
        2, 4_000_000_000, clusters, Text.of("/foreground"), listOf(0, 1),
    )

    override fun conditions(elapsedMs: Long): Conditions = Conditions(
        elapsedMs, Figure.of(temperatureC(clock.now)), Figure.of(percent), Figure.of(3900.0), plugged,
        Flag.of(plugged != "none"), Text.of("none"), Figure.finite(headroom(clock.now), "not supported"),
        Flag.of(false), Flag.of(false), clusters.map { it.maxKhz },
    )

    override fun memory(): MemoryReading =
        MemoryReading(Figure.of(1e6 + clock.now / 1e6), Figure.none("not told"))

    override fun meter(): PowerMeter? = meter

    override fun batteryChargeUah(): Long = chargeUah

    override fun currentCpu(): Int = 1
}

/** A meter whose readings a test makes of the time since the job began. */
class FakeMeter(
    override val methods: List<EnergyMethod>,
    private val reading: (Long) -> MeterReading,
) : PowerMeter {
    override val name = "fake"

    override fun read(elapsedMs: Long): MeterReading = reading(elapsedMs)
}

/** Bytes of a `vectors.bin` with one clip; vector v has gain v + 1 and [expected] outputs for each precision. */
fun vectorsBytes(samples: ShortArray, vectors: Int, expected: List<FloatArray>): ByteArray {
    val outputs = expected.first().size
    val size = 32 + 2 * samples.size + vectors * (8 + 4 * outputs * expected.size)
    val buffer = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN)
    buffer.put("ERSAMVEC".encodeToByteArray())
    listOf(1, 1, samples.size, vectors, outputs, expected.size).forEach(buffer::putInt)
    samples.forEach(buffer::putShort)
    repeat(vectors) { vector ->
        buffer.putInt(0).putFloat(vector + 1f)
        expected.forEach { precision -> precision.forEach(buffer::putFloat) }
    }
    return buffer.array()
}

/** A pushed bundle in [folder], and the entry of a job for it; one of classes or embeddings has no [levels]. */
fun writeBundle(
    folder: File,
    key: String,
    expected: FloatArray,
    tolerance: Double = 1e-4,
    runtime: String = "1.4.1",
    levels: Boolean = true,
): BundleModel {
    fun push(name: String, bytes: ByteArray): FileRef {
        File(folder, "$key-$name").writeBytes(bytes)
        return FileRef("$key-$name", sha256(bytes))
    }
    val manifest = """
        {"schema_version": 1, "name": "$key", "clip_samples": 4, "outputs": ["0", "1"],
         ${if (levels) """"levels": {"edges": [1], "names": ["none", "some"]},""" else ""} "runtime": {"name": "executorch", "version": "$runtime"},
         "precisions": {"fp32": {"tolerance": $tolerance, "file": "model.pte"}, "int8": null},
         "files": {"model.pte": {"bytes": 1, "sha256": "${sha256("model of $key".encodeToByteArray())}"}}}
    """.trimIndent()
    return BundleModel(
        key, "fp32", key,
        manifest = push("manifest", manifest.encodeToByteArray()),
        model = push("model", "model of $key".encodeToByteArray()),
        vectors = push("vectors", vectorsBytes(shortArrayOf(0, 100, -100, 32767), 3, listOf(expected))),
    )
}

val SMALL_JOB = Job(
    schemaVersion = 1,
    jobId = "job-1",
    created = "2026-11-21T10:00:00Z",
    kitVersion = "0.1.0",
    models = listOf(PieceModel("piece", "fp32", FileRef("piece.pte", "0".repeat(64)), listOf(1, 4), "1.4.1")),
    threads = listOf(1, 2),
    latency = LatencyPlan(2, 2.0, 200, WarmUpPlan(5, 0.02, 10.0)),
    memory = MemoryPlan(3),
    energy = null,
    dayProfile = null,
    gate = GatePlan(35.0, 0.7, 60.0, 5.0, 20),
)
