package org.ersam.runner.live

import android.Manifest.permission.RECORD_AUDIO
import android.app.Application
import android.content.Intent
import android.content.pm.ServiceInfo
import java.io.File
import java.io.IOException
import java.util.concurrent.CountDownLatch
import org.ersam.runner.core.Engine
import org.ersam.runner.core.EngineInfo
import org.ersam.runner.core.FakeClock
import org.ersam.runner.core.FakeEngine
import org.ersam.runner.core.writeBundle
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class LiveServiceTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val app: Application = RuntimeEnvironment.getApplication()

    /** The service with sound and engine of the test. */
    class TestService : LiveService() {
        override fun engine(): Engine? = engine

        override fun microphone(): SoundSource = sound()

        companion object {
            var engine: Engine? = null
            var sound: () -> SoundSource = { FakeSound(emptyList()) }
        }
    }

    @Before
    fun installModel() {
        val entry = writeBundle(folder.root, "net", floatArrayOf(0.5f, 0.5f))
        LiveService.liveBundle(app.filesDir).install(
            listOf(entry.model.path, entry.manifest.path).map { path -> { File(folder.root, path).inputStream() } },
        )
        LiveService.levelLog(app.filesDir).delete()
        TestService.engine = FakeEngine(FakeClock()) { floatArrayOf(0f, 1f) }
        TestService.sound = { FakeSound(listOf(0.1f, 0.2f, 0.3f)) }
        shadowOf(app).grantPermissions(RECORD_AUDIO)
    }

    private fun start() = Robolectric.buildService(TestService::class.java, Intent(app, TestService::class.java)).create().startCommand(0, 1)

    /** Until the listener has said why it ended. */
    private fun waitFor(message: String) {
        val end = System.nanoTime() + 10_000_000_000
        while (LiveService.message != message && System.nanoTime() < end) Thread.sleep(5)
        assertEquals(message, LiveService.message)
    }

    @Test
    fun `it listens under a notification and keeps levels`() {
        val service = start().get()
        val notification = shadowOf(service).lastForegroundNotification
        assertNotNull(notification)
        assertEquals("Keeps time and level only, no sound", notification.extras.getString("android.text"))
        assertEquals("Stop", notification.actions.single().title)
        assertEquals(ServiceInfo.FOREGROUND_SERVICE_TYPE_MICROPHONE, service.foregroundServiceType)
        waitFor("stopped")
        val levels = LiveService.levelLog(app.filesDir).latest(9)
        assertEquals(listOf("some", "some", "some"), levels.map { it.substringAfter(',') })
        assertEquals(0, (TestService.engine as FakeEngine).open)
        assertEquals(listOf("levels.csv", "live"), app.filesDir.list()!!.sorted())
    }

    /** Else nothing would keep the screen's delete and the listener's append apart. */
    @Test
    fun `the levels of a folder have one keeper`() {
        assertSame(LiveService.levelLog(app.filesDir), LiveService.levelLog(app.filesDir))
    }

    @Test
    fun `the stop action ends it`() {
        val hearing = CountDownLatch(1)
        TestService.sound = {
            object : SoundSource {
                @Volatile
                var stopped = false
                override val silenced = false

                override fun read(window: FloatArray): Boolean {
                    hearing.countDown()
                    while (!stopped) Thread.sleep(1)
                    return false
                }

                override fun stop() {
                    stopped = true
                }

                override fun close() = Unit
            }
        }
        val controller = start()
        hearing.await()
        assertTrue(LiveService.isListening)
        controller.get().onStartCommand(Intent(LiveService.ACTION_STOP), 0, 2)
        assertTrue(shadowOf(controller.get()).isStoppedBySelf)
        controller.destroy()
        assertFalse(LiveService.isListening)
        assertEquals("stopped", LiveService.message)
    }

    @Test
    fun `without the permission it hears nothing`() {
        shadowOf(app).denyPermissions(RECORD_AUDIO)
        val service = start().get()
        assertEquals("not listening: the microphone was not allowed", LiveService.message)
        assertTrue(shadowOf(service).isStoppedBySelf)
    }

    @Test
    fun `what is missing is said`() {
        TestService.engine = null
        start()
        waitFor("not listening: this build of the runner holds no engine")
        TestService.engine = FakeEngine(FakeClock(), info = EngineInfo("executorch", "1.3.0", emptyList())) { it }
        start()
        waitFor(
            "not listening: net: lowered for executorch 1.4.1, the runner has the older 1.3.0;" +
                " install a runner with executorch 1.4.1 or later",
        )
        TestService.engine = FakeEngine(FakeClock()) { it }
        TestService.sound = { throw IOException("the microphone cannot be opened now") }
        start()
        waitFor("not listening: the microphone cannot be opened now")
        LiveService.liveBundle(app.filesDir).model.delete()
        start()
        waitFor("not listening: choose a model first")
    }
}
