package org.ersam.runner.core

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class JobReaderTest {
    @get:Rule
    val folder = TemporaryFolder()

    private fun read(text: String): JobFile = readJob(folder.newFile().apply { writeText(text) })

    private fun json(job: Job) = KitJson.encodeToString(Job.serializer(), job)

    private fun refusal(job: Job): String = refusal(json(job))

    private fun refusal(text: String): String {
        val error = assertThrows(RunnerError::class.java) { read(text) }
        assertEquals(ErrorCode.BAD_JOB, error.code)
        assertTrue(error.message!!, '\n' !in error.message!!)
        return error.message!!.substringAfter(": ")
    }

    @Test
    fun `a job is read with its hash, and its files are found beside it`() {
        val file = folder.newFile().apply { writeText(json(SMALL_JOB)) }
        val read = readJob(file)
        assertEquals(SMALL_JOB, read.job)
        assertEquals(sha256(file.readBytes()), read.sha256)
        assertEquals(File(folder.root, "a/b"), read.resolve(FileRef("a/b", "")))
        assertEquals(File("/a"), read.resolve(FileRef("/a", "")))
    }

    @Test
    fun `what is no job is refused in one line`() {
        assertTrue(refusal("{").startsWith("not a job of this runner"))
        assertTrue("surprise" in refusal(json(SMALL_JOB).replaceFirst("{", "{\"surprise\": 1,")))
        assertTrue("threads" in refusal(json(SMALL_JOB).replace("\"threads\":[1,2],", "")))
        val missing = assertThrows(RunnerError::class.java) { readJob(File(folder.root, "none.json")) }
        assertTrue("cannot be read" in missing.message!!)
    }

    @Test
    fun `every field out of range is named with what it got`() {
        val piece = SMALL_JOB.models[0] as PieceModel
        val energy = EnergyPlan(1, 3, 1.0, 1.0, 1)
        val expected = mapOf(
            "schema_version: got 2, expected 1" to SMALL_JOB.copy(schemaVersion = 2),
            "job_id: got 'a b'" to SMALL_JOB.copy(jobId = "a b"),
            "models: got none" to SMALL_JOB.copy(models = emptyList()),
            "models: two have the same key" to SMALL_JOB.copy(models = listOf(piece, piece)),
            "threads: got [1, 1]" to SMALL_JOB.copy(threads = listOf(1, 1)),
            "threads: got []" to SMALL_JOB.copy(threads = emptyList()),
            "models: key '/'" to SMALL_JOB.copy(models = listOf(piece.copy(key = "/"))),
            "models.piece.precision: got 'fp16'" to SMALL_JOB.copy(models = listOf(piece.copy(precision = "fp16"))),
            "models.piece.model.path: is empty" to
                SMALL_JOB.copy(models = listOf(piece.copy(model = piece.model.copy(path = "")))),
            "models.piece.model.sha256: got 'x'" to
                SMALL_JOB.copy(models = listOf(piece.copy(model = piece.model.copy(sha256 = "x")))),
            "models.piece.input_shape: got [1, 0]" to SMALL_JOB.copy(models = listOf(piece.copy(inputShape = listOf(1, 0)))),
            "models.piece.runtime_version: got 'new'" to
                SMALL_JOB.copy(models = listOf(piece.copy(runtimeVersion = "new"))),
            "latency.repeats: got 0" to SMALL_JOB.copy(latency = SMALL_JOB.latency.copy(repeats = 0)),
            "latency.min_runs: got 0" to SMALL_JOB.copy(latency = SMALL_JOB.latency.copy(minRuns = 0)),
            "latency.min_seconds: got -1.0" to SMALL_JOB.copy(latency = SMALL_JOB.latency.copy(minSeconds = -1.0)),
            "latency.warm_up.window_runs: got 0" to
                SMALL_JOB.copy(latency = SMALL_JOB.latency.copy(warmUp = WarmUpPlan(0, 0.1, 1.0))),
            "latency.warm_up.tolerance: got 0.0" to
                SMALL_JOB.copy(latency = SMALL_JOB.latency.copy(warmUp = WarmUpPlan(2, 0.0, 1.0))),
            "memory.runs: got 0" to SMALL_JOB.copy(memory = MemoryPlan(0)),
            "energy.repeats: got 2, expected at least 3" to SMALL_JOB.copy(energy = energy.copy(repeats = 2)),
            "energy.active_seconds: got 0.0" to SMALL_JOB.copy(energy = energy.copy(activeSeconds = 0.0)),
            "energy.sample_interval_ms: got 0" to SMALL_JOB.copy(energy = energy.copy(sampleIntervalMs = 0)),
            "day_profile.minutes: got 0.0" to SMALL_JOB.copy(dayProfile = DayProfilePlan(1, 1.0, 0.0)),
            "gate.poll_seconds: got 0.0" to SMALL_JOB.copy(gate = SMALL_JOB.gate.copy(pollSeconds = 0.0)),
        )
        expected.forEach { (message, job) ->
            val got = refusal(job)
            assertTrue("$got, expected $message...", got.startsWith(message))
        }
    }
}
