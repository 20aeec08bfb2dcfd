package org.ersam.runner.core

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class JobRunnerTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val expected = floatArrayOf(0.25f, 0.75f)
    private val clock = FakeClock()
    private val platform = FakePlatform(clock)
    private var engine: FakeEngine? = FakeEngine(clock) { expected }
    private val statuses = mutableListOf<Map<String, String>>()
    private val results by lazy { folder.newFolder("results") }

    private fun run(job: Job, results: File = this.results): Finish {
        val file = File(folder.root, "job.json").apply { writeText(KitJson.encodeToString(Job.serializer(), job)) }
        val runner = JobRunner(engine, platform, RunnerVersion("0.1.0", 1), results) { statuses += it }
        return runner.run(file)
    }

    private fun result(finish: Finish): JobResult =
        KitJson.decodeFromString(JobResult.serializer(), finish.result!!.readText())

    private fun bundle(key: String, answer: FloatArray = expected, runtime: String = "1.4.1") =
        writeBundle(folder.root, key, answer, runtime = runtime)

    private fun piece(key: String): PieceModel {
        File(folder.root, key).writeText(key)
        return PieceModel(key, "fp32", FileRef(key, sha256(key.encodeToByteArray())), listOf(1, 4), "1.4.0")
    }

    @Test
    fun `a bundle that does not count people is checked and measured as any`() {
        val embedding = writeBundle(folder.root, "embedding", expected, levels = false)
        val result = result(run(SMALL_JOB.copy(models = listOf(embedding))))
        assertEquals(listOf("ok"), result.models.map { it.status })
        assertTrue(result.models.single().vectors!!.passed)
    }

    @Test
    fun `a job is measured whole`() {
        val finish = run(SMALL_JOB.copy(models = listOf(bundle("net"), piece("front"))))
        assertEquals(Finish(FinishCode.ALL_OK, File(results, "job-1.json"), null), finish)
        val result = result(finish)
        assertTrue(result.complete)
        assertEquals(listOf("ok", "ok"), result.models.map { it.status })
        val net = result.models[0]
        assertEquals(VectorsResult(3, 0.0, 1e-4, true), net.vectors)
        assertEquals(listOf(1, 2), net.latency.map { it.threads })
        val latency = net.latency[0]
        // 2 s and 200 runs in two repeats, 5 ms a run: 200 runs of each repeat fill its second.
        assertEquals(listOf(200, 200), latency.repeats.map { it.samplesMs.size })
        assertEquals(5.0, latency.p50Ms, 0.0)
        assertEquals(20.0, latency.repeats[0].loadMs, 0.0)
        assertTrue(latency.repeats[0].warmUpStable)
        assertEquals(RanOn(listOf(1), listOf("little"), latency.repeats[0].ranOn.samples, null), latency.repeats[0].ranOn)
        assertEquals(3, net.memory!!.runs)
        assertTrue(net.memory.pssPeakBytes.value!! > net.memory.pssBeforeBytes.value!!)
        assertEquals("not told", net.memory.nativeHeapPeakBytes.reason)
        assertNull(result.models[1].vectors)
        assertEquals(0, engine!!.open)
    }

    @Test
    fun `few slow runs are measured until there are enough`() {
        engine = FakeEngine(clock, runMs = 100) { expected }
        val latency = result(run(SMALL_JOB.copy(models = listOf(piece("slow"))))).models[0].latency[0]
        assertEquals(listOf(100, 100), latency.repeats.map { it.samplesMs.size })
    }

    /** 50 quick runs and then slow ones in each of three repeats, before each of which the phone cooled down. */
    @Test
    fun `a phone that slows down within every repeat drifts`() {
        var loads = 0
        var sinceLoad = 0
        engine = FakeEngine(clock) {
            if (engine!!.loaded > loads) sinceLoad = 0
            loads = engine!!.loaded
            if (++sinceLoad > 61) clock.sleepMillis(5)
            expected
        }
        val job = SMALL_JOB.copy(models = listOf(piece("a")), threads = listOf(1), latency = SMALL_JOB.latency.copy(repeats = 3, minSeconds = 3.0))
        val latency = result(run(job)).models[0].latency.single()
        assertEquals(listOf(50, 50, 50), latency.repeats.map { repeat -> repeat.samplesMs.count { it < 10 } })
        assertEquals(2.0, latency.driftRatio, 0.0)
    }

    @Test
    fun `progress grows to the end, names every phase and tells where the result is`() {
        run(SMALL_JOB.copy(models = listOf(bundle("net"))))
        val fractions = statuses.map { it.getValue("ersam.fraction").toDouble() }
        assertEquals(fractions.sorted(), fractions)
        assertEquals(1.0, fractions.last(), 1e-9)
        val events = statuses.map { it.getValue("ersam.event") }
        assertEquals(listOf("started", "model_started", "progress"), events.distinct().take(3))
        assertEquals(listOf("model_finished", "finished"), events.takeLast(2))
        assertEquals(listOf("check", "vectors", "latency", "memory"), statuses.mapNotNull { it["ersam.phase"] }.distinct())
        assertEquals(File(results, "job-1.json").path, statuses.first { "ersam.result" in it }["ersam.result"])
    }

    @Test
    fun `a model whose numbers differ fails alone, and is not timed`() {
        val finish = run(SMALL_JOB.copy(models = listOf(bundle("bad", floatArrayOf(0.3f, 0.7f)), bundle("good"))))
        assertEquals(FinishCode.SOME_MODELS_FAILED, finish.code)
        assertEquals("1 of 2 models failed", finish.error)
        val (bad, good) = result(finish).models
        assertEquals("vectors_differ", bad.error!!.code)
        assertFalse(bad.vectors!!.passed)
        assertTrue(bad.latency.isEmpty())
        assertEquals("ok", good.status)
    }

    @Test
    fun `a file that changed on its way fails its model`() {
        val model = bundle("net")
        for (reference in listOf(model.model, model.manifest, model.vectors)) {
            val file = File(folder.root, reference.path)
            val bytes = file.readBytes()
            file.writeBytes(bytes + 0)
            val failed = result(run(SMALL_JOB.copy(jobId = reference.path, models = listOf(model)))).models[0]
            assertEquals("bundle_changed", failed.error!!.code)
            assertTrue(failed.error.message, "push it again" in failed.error.message)
            file.writeBytes(bytes)
        }
    }

    @Test
    fun `a precision that the bundle lacks fails its model`() {
        val failed = result(run(SMALL_JOB.copy(models = listOf(bundle("net").copy(precision = "int8"))))).models[0]
        assertEquals(ErrorReport("bad_bundle", "net: the bundle holds no int8 model"), failed.error)
    }

    @Test
    fun `an engine that fails fails its model and leaves nothing open`() {
        var runs = 0
        engine = FakeEngine(clock) { if (runs++ < 50) expected else throw RunnerError(ErrorCode.ENGINE_FAILED, "gone") }
        val failed = result(run(SMALL_JOB.copy(models = listOf(bundle("net"))))).models[0]
        assertEquals(ErrorReport("engine_failed", "gone"), failed.error)
        assertEquals(0, engine!!.open)
    }

    @Test
    fun `without an engine nothing runs, and the result says why`() {
        engine = null
        val finish = run(SMALL_JOB)
        assertEquals(FinishCode.NO_ENGINE, finish.code)
        val result = result(finish)
        assertFalse(result.complete)
        assertNull(result.engine)
        assertEquals("no_engine", result.error!!.code)
        assertTrue("holds no engine" in finish.error!!)
    }

    @Test
    fun `a runtime older than a bundle is refused before anything runs`() {
        val finish = run(SMALL_JOB.copy(models = listOf(piece("old"), bundle("new", runtime = "1.5.0"))))
        assertEquals(FinishCode.OLD_RUNTIME, finish.code)
        assertEquals(
            "new: lowered for executorch 1.5.0, the runner has the older 1.4.1;" +
                " install a runner with executorch 1.5.0 or later",
            finish.error,
        )
        assertEquals(0, engine!!.loaded)
    }

    @Test
    fun `a battery below the gate ends the job at once`() {
        platform.percent = 12.0
        val finish = run(SMALL_JOB.copy(models = listOf(piece("a"))))
        assertEquals(FinishCode.BATTERY_LOW, finish.code)
        assertEquals("battery at 12.0 %, the job asks for 20 %; charge it first", finish.error)
    }

    @Test
    fun `a bad job has no result`() {
        val finish = run(SMALL_JOB.copy(models = emptyList()))
        assertEquals(FinishCode.BAD_JOB, finish.code)
        assertNull(finish.result)
        assertTrue(finish.error!!.endsWith("models: got none, expected at least one"))
    }

    @Test
    fun `a result that cannot be written is said`() {
        val occupied = folder.newFile("occupied")
        val finish = run(SMALL_JOB.copy(models = listOf(piece("a"))), results = occupied)
        assertEquals(FinishCode.RESULT_NOT_WRITTEN, finish.code)
        assertNull(finish.result)
        assertTrue(finish.error!!.endsWith("free some space"))
    }

    @Test
    fun `a bug is reported, not thrown`() {
        engine = FakeEngine(clock) { error("surprise") }
        val finish = run(SMALL_JOB.copy(models = listOf(piece("a"))))
        assertEquals(FinishCode.INTERNAL, finish.code)
        assertEquals("IllegalStateException: surprise", result(finish).error!!.message)
    }

    @Test
    fun `the same job goes on where it was, another of its name begins anew`() {
        val models = listOf(piece("a"), piece("b"))
        val job = SMALL_JOB.copy(models = models)
        var calls = 0
        engine = FakeEngine(clock) { if (++calls > 1000) error("killed") else expected }
        assertEquals(FinishCode.INTERNAL, run(job).code) // dies within b
        val first = result(Finish(FinishCode.INTERNAL, File(results, "job-1.json"), null)).models.single()
        engine = FakeEngine(clock) { expected }
        val resumed = result(run(job))
        assertEquals(listOf("a", "b"), resumed.models.map { it.key })
        assertEquals(first, resumed.models[0])
        val loadsOfOne = engine!!.loaded
        assertEquals(FinishCode.ALL_OK, run(job).code) // complete: nothing is loaded
        assertEquals(loadsOfOne, engine!!.loaded)
        run(job.copy(created = "2026-11-22T10:00:00Z"))
        assertEquals(3 * loadsOfOne, engine!!.loaded)
    }

    @Test
    fun `a result of an older runner is not taken over`() {
        File(results, "job-1.json").writeText("{\"schema_version\": 0}")
        assertEquals(FinishCode.ALL_OK, run(SMALL_JOB.copy(models = listOf(piece("a")))).code)
    }

    @Test
    fun `energy and the day's profile come from the meter`() {
        // 500 mW of idling, and 20 mJ for every run, on a rail that is always fresh.
        platform.meter = FakeMeter(listOf(EnergyMethod.POWER_RAILS)) { ms ->
            MeterReading(ms, railsUj = mapOf("CPU" to 500 * ms + 20_000L * engine!!.runs))
        }
        val job = SMALL_JOB.copy(
            models = listOf(piece("a")),
            energy = EnergyPlan(1, 3, 30.0, 10.0, 1000),
            dayProfile = DayProfilePlan(1, 10.0, 2.0),
        )
        val model = result(run(job)).models[0]
        val energy = model.energy!!
        assertEquals(20.0, energy.valueMj!!, 0.05)
        assertEquals("power_rails", energy.method)
        assertEquals(listOf("baseline", "active", "baseline", "active", "baseline", "active", "baseline"), energy.readings.map { it.phase })
        assertEquals(listOf(0, 0, 1, 1, 2, 2, 3), energy.readings.map { it.repeat })
        assertEquals(500.0, energy.repeats[0].baselineBeforeMw!!, 0.1)
        val day = model.dayProfile!!
        assertEquals(12, day.clips)
        assertEquals(2.0, day.addedMw.value!!, 0.2) // 20 mJ every 10 s
        assertEquals(500.0, day.idleMw.value!!, 0.1)
        assertEquals(2_400_000 / 0.8 * 3900 * 1e-6, day.batteryMwh.value!!, 1e-6)
        assertEquals(day.batteryMwh.value / day.meanMw.value!!, day.batteryHours.value!!, 1e-6)
    }

    @Test
    fun `a look at the rails without an answer is left out, and the others count`() {
        var looks = 0
        platform.meter = FakeMeter(listOf(EnergyMethod.POWER_RAILS)) { ms ->
            if (++looks % 4 == 0) MeterReading(ms) else MeterReading(ms, railsUj = mapOf("CPU" to 500 * ms + 20_000L * engine!!.runs))
        }
        val job = SMALL_JOB.copy(models = listOf(piece("a")), energy = EnergyPlan(1, 3, 30.0, 10.0, 1000))
        val energy = result(run(job)).models[0].energy!!
        assertEquals(20.0, energy.valueMj!!, 0.05)
        energy.readings.forEach { assertEquals(it.elapsedMs.size, it.railsUj!!.getValue("CPU").size) }
        val active = energy.readings[1]
        assertTrue("${active.elapsedMs.size} of 31", active.elapsedMs.size in 22..24)
    }

    @Test
    fun `rails that stop answering give no energy, and the job goes on`() {
        var looks = 0
        platform.meter = FakeMeter(listOf(EnergyMethod.POWER_RAILS)) { ms ->
            if (++looks > 1) MeterReading(ms) else MeterReading(ms, railsUj = mapOf("CPU" to 5L))
        }
        val finish = run(SMALL_JOB.copy(models = listOf(piece("a")), energy = EnergyPlan(1, 3, 30.0, 10.0, 1000)))
        assertEquals(FinishCode.ALL_OK, finish.code)
        val energy = result(finish).models[0].energy!!
        assertEquals(
            "power_rails: 0 of 3 repeats can be used, needed 3: baseline before: the rails gave 1 new readings in the window," +
                " needed 2, and did not answer 10 times: make it longer",
            energy.reason,
        )
        assertEquals(listOf(1, 0, 0, 0, 0, 0, 0), energy.readings.map { it.elapsedMs.size })
        assertEquals(listOf(5L), energy.readings[0].railsUj!!["CPU"])
        assertNull(energy.readings[1].railsUj)
    }

    @Test
    fun `a charge counter in another unit gives no hours of battery`() {
        platform.meter = FakeMeter(listOf(EnergyMethod.POWER_RAILS)) { ms -> MeterReading(ms, railsUj = mapOf("CPU" to 500 * ms)) }
        platform.chargeUah = 2_400 // mAh
        val job = SMALL_JOB.copy(models = listOf(piece("a")), dayProfile = DayProfilePlan(1, 10.0, 2.0))
        val day = result(run(job)).models[0].dayProfile!!
        assertEquals(500.0, day.meanMw.value!!, 0.1)
        assertEquals(
            "the charge counter reads 2400 at 80.0 %, in uAh too little for a phone; perhaps it is in mAh",
            day.batteryMwh.reason,
        )
        assertEquals(day.batteryMwh.reason, day.batteryHours.reason)
    }

    @Test
    fun `no energy while plugged in, nor without a meter`() {
        val job = SMALL_JOB.copy(
            models = listOf(piece("a")),
            energy = EnergyPlan(1, 3, 30.0, 10.0, 1000),
            dayProfile = DayProfilePlan(1, 10.0, 2.0),
        )
        val without = result(run(job)).models[0]
        assertEquals("this phone has no meter of energy that an app may read", without.energy!!.reason)
        assertNotNull(without.dayProfile!!.batteryHours.reason)
        platform.plugged = "usb"
        platform.meter = FakeMeter(listOf(EnergyMethod.POWER_RAILS)) { MeterReading(it) }
        val plugged = result(run(job.copy(jobId = "job-2"))).models[0]
        assertEquals("the phone is plugged in (usb); unplug it and connect over Wi-Fi", plugged.energy!!.reason)
        assertNull(plugged.energy.valueMj)
        assertEquals(plugged.energy.reason, plugged.dayProfile!!.meanMw.reason)
    }
}
