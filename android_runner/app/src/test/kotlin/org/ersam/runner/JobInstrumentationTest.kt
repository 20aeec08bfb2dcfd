package org.ersam.runner

import android.app.Application
import android.content.Context
import android.os.Bundle
import android.os.PowerManager
import java.io.File
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import org.ersam.runner.core.Engine
import org.ersam.runner.core.FakeClock
import org.ersam.runner.core.FakeEngine
import org.ersam.runner.core.FakePlatform
import org.ersam.runner.core.FinishCode
import org.ersam.runner.core.Job
import org.ersam.runner.core.JobResult
import org.ersam.runner.core.KitJson
import org.ersam.runner.core.Platform
import org.ersam.runner.core.SMALL_JOB
import org.ersam.runner.core.writeBundle
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowEnvironment
import org.robolectric.shadows.ShadowPowerManager

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class JobInstrumentationTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val app: Application = RuntimeEnvironment.getApplication()

    @Before
    fun mountSharedStorage() {
        ShadowEnvironment.addExternalDir("shared")
    }

    /** The instrumentation on a fake phone, with what it told. */
    private inner class Observed(private val fakeEngine: (FakeClock) -> Engine?) : JobInstrumentation() {
        private val clock = FakeClock()
        private val ended = CountDownLatch(1)
        val statuses = mutableListOf<Pair<Int, Bundle>>()
        var code = 0
        var last = Bundle()
        var heldAwake = false

        override fun getTargetContext(): Context = app

        override fun sendStatus(resultCode: Int, results: Bundle) {
            heldAwake = heldAwake || ShadowPowerManager.getLatestWakeLock()?.isHeld == true
            statuses += resultCode to results
        }

        override fun finish(resultCode: Int, results: Bundle) {
            code = resultCode
            last = results
            ended.countDown()
        }

        override fun engine(): Engine? = fakeEngine(clock)

        override fun platform(): Platform = FakePlatform(clock)

        fun runTo(arguments: Bundle): Observed {
            onCreate(arguments)
            assertTrue("it finishes", ended.await(60, TimeUnit.SECONDS))
            return this
        }
    }

    private fun job(): Bundle {
        val job = SMALL_JOB.copy(models = listOf(writeBundle(folder.root, "net", floatArrayOf(0.25f, 0.75f))))
        val file = File(folder.root, "job.json").apply { writeText(KitJson.encodeToString(Job.serializer(), job)) }
        return Bundle().apply { putString("job", file.path) }
    }

    @Test
    fun `a job runs without a screen, awake, to its result and finish code`() {
        val observed = Observed { clock -> FakeEngine(clock) { floatArrayOf(0.25f, 0.75f) } }.runTo(job())
        assertEquals(observed.last.toString(), FinishCode.ALL_OK.number, observed.code)
        val result = File(observed.last.getString("ersam.result")!!)
        assertTrue(result.path, result.path.endsWith("results/job-1.json"))
        assertTrue(KitJson.decodeFromString(JobResult.serializer(), result.readText()).complete)
        assertEquals("started", observed.statuses.first().second.getString("ersam.event"))
        assertTrue(observed.statuses.all { it.first == 1 })
        assertTrue(observed.heldAwake)
        assertFalse(ShadowPowerManager.getLatestWakeLock()!!.isHeld)
    }

    @Test
    fun `without an engine in the package it says so`() {
        val observed = Observed { null }.runTo(job())
        assertEquals(observed.last.toString(), FinishCode.NO_ENGINE.number, observed.code)
        assertTrue("holds no engine" in observed.last.getString("ersam.error")!!)
    }

    @Test
    fun `without a job it says what is missing`() {
        val observed = Observed { null }.runTo(Bundle())
        assertEquals(FinishCode.BAD_JOB.number, observed.code)
        assertEquals("-e job: missing, expected the path of a job.json", observed.last.getString("ersam.error"))
    }
}
