package org.ersam.runner.core

import java.io.File
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.doubleOrNull
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** The files in `golden/` are read by this runner and by the tests of `deploy`: the same for both. */
class GoldenTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val golden = File(System.getProperty("runner.home") ?: "..", "golden")

    private fun files(prefix: String): List<File> =
        golden.listFiles { file -> file.name.startsWith(prefix) && file.extension == "json" }.orEmpty().sorted()

    /** JSON as plain values, in which 95 and 95.0 are the same number. */
    private fun plain(element: JsonElement): Any? = when (element) {
        is JsonObject -> element.mapValues { plain(it.value) }
        is JsonArray -> element.map(::plain)
        is JsonPrimitive -> if (element.isString) element.content else element.doubleOrNull ?: element.booleanOrNull
    }

    @Test
    fun `golden jobs are read without loss`() {
        assertTrue(files("job-").isNotEmpty())
        files("job-").forEach { file ->
            val job = readJob(file).job
            assertEquals(file.name, plain(Json.parseToJsonElement(file.readText())), plain(KitJson.encodeToJsonElement(Job.serializer(), job)))
        }
    }

    @Test
    fun `golden results are read and written without loss`() {
        assertTrue(files("result-").size >= 2)
        files("result-").forEach { file ->
            val result = KitJson.decodeFromString(JobResult.serializer(), file.readText())
            assertEquals(file.name, plain(Json.parseToJsonElement(file.readText())), plain(KitJson.encodeToJsonElement(JobResult.serializer(), result)))
        }
    }

    /** One model that passes with all there is to measure, one whose numbers differ. */
    @Test
    fun `this runner writes the golden result for the golden job`() {
        val clock = FakeClock()
        val engine = FakeEngine(clock) { floatArrayOf(0.25f, 0.75f) }
        val platform = FakePlatform(clock)
        platform.meter = FakeMeter(listOf(EnergyMethod.BATTERY_CHARGE_COUNTER, EnergyMethod.BATTERY_CURRENT)) { ms ->
            val spentUah = (500.0 * ms + 20_000.0 * engine.runs) / 3.6 / 3900
            MeterReading(ms, 2_400_000 - spentUah.toLong(), -500_000 - ms % 7, 3900)
        }
        val models = listOf(writeBundle(folder.root, "net-a", floatArrayOf(0.25f, 0.75f)), writeBundle(folder.root, "net-b", floatArrayOf(0.5f, 0.5f)))
        val job = SMALL_JOB.copy(
            models = models,
            memory = MemoryPlan(3),
            energy = EnergyPlan(1, 3, 60.0, 30.0, 5000),
            dayProfile = DayProfilePlan(1, 10.0, 2.0),
        )
        val jobText = Json { prettyPrint = true }.encodeToString(Json.parseToJsonElement(KitJson.encodeToString(Job.serializer(), job)))
        val update = System.getProperty("golden.update") != null
        val jobFile = File(golden, "job-two-bundles.json")
        if (update) jobFile.writeText(jobText + "\n")
        assertEquals(jobFile.readText(), jobText + "\n")
        jobFile.copyTo(File(folder.root, "job.json"))
        val finish = JobRunner(engine, platform, RunnerVersion("0.1.0", 1), folder.root) {}.run(File(folder.root, "job.json"))
        assertEquals(FinishCode.SOME_MODELS_FAILED, finish.code)
        val resultFile = File(golden, "result-two-bundles.json")
        if (update) resultFile.writeText(finish.result!!.readText() + "\n")
        assertEquals(resultFile.readText(), finish.result!!.readText() + "\n")
    }

    @Test
    fun `this runner writes the golden result where it holds no engine`() {
        val job = File(golden, "job-two-bundles.json").copyTo(File(folder.root, "job.json"))
        val finish = JobRunner(null, FakePlatform(), RunnerVersion("0.1.0", 1), folder.root) {}.run(job)
        val resultFile = File(golden, "result-no-engine.json")
        if (System.getProperty("golden.update") != null) resultFile.writeText(finish.result!!.readText() + "\n")
        assertEquals(resultFile.readText(), finish.result!!.readText() + "\n")
    }
}
