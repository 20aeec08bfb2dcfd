package org.ersam.runner.live

import android.media.AudioFormat
import android.media.AudioRecordingConfiguration
import java.io.File
import org.ersam.runner.core.FakeClock
import org.ersam.runner.core.FakeEngine
import org.ersam.runner.core.readManifest
import org.ersam.runner.core.writeBundle
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.shadows.ShadowAudioRecord

/** Whether Android keeps the sound from the app, as a test says; null where it tells nothing. */
@Implements(className = "android.media.AudioRecordingMonitorImpl", isInAndroidSdk = false)
class RecordingShadow {
    @Implementation
    fun getActiveRecordingConfiguration(): AudioRecordingConfiguration? = silenced()?.let {
        val format = AudioFormat.Builder().build()
        AudioRecordingConfiguration(0, 0, 0, format, format, 0, "", 0, it, 0, emptyArray(), emptyArray())
    }

    companion object {
        @JvmStatic
        var silenced: () -> Boolean? = { false }
    }
}

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], shadows = [RecordingShadow::class])
class MicrophoneTest {
    @get:Rule
    val folder = TemporaryFolder()

    /** Samples that were read so far. */
    private var heard = 0
    private val manifest by lazy {
        val entry = writeBundle(folder.root, "net", floatArrayOf(0.5f, 0.5f))
        readManifest(File(folder.root, entry.manifest.path)).copy(clipSamples = WINDOW)
    }

    @Before
    fun speak() = ShadowAudioRecord.setSource(
        object : ShadowAudioRecord.AudioRecordSource {
            override fun readInShortArray(data: ShortArray, offset: Int, size: Int, blocking: Boolean): Int {
                if (heard == WINDOWS * WINDOW) return 0
                data.fill(if (RecordingShadow.silenced() == true) 0 else 1000, offset, offset + size)
                heard += size
                return size
            }
        },
    )

    @After
    fun forget() {
        ShadowAudioRecord.clearSource()
        RecordingShadow.silenced = { false }
    }

    private fun levels(): List<String> {
        val log = LevelLog(File(folder.root, "levels.csv"))
        val model = FakeEngine(FakeClock()) { if (it[0] == 0f) floatArrayOf(1f, 0f) else floatArrayOf(0f, 1f) }
            .load(folder.root, 1)
        Microphone().use { Listening(manifest, model, it, log) { "t" }.run { false } }
        return log.latest(WINDOWS).reversed().map { it.substringAfter(',') }
    }

    @Test
    fun `what it hears is classified`() {
        assertEquals(List(WINDOWS) { "some" }, levels())
    }

    /** As during a call, or with the microphone switched off in the quick settings. */
    @Test
    fun `a window that Android silenced in part is not heard`() {
        RecordingShadow.silenced = { heard >= WINDOW + WINDOW / 2 && heard < 2 * WINDOW + WINDOW / 2 }
        assertEquals(listOf("some", "not heard", "not heard", "some"), levels())
    }

    @Test
    fun `a piece right after a silence counts as silenced, for it may have waited`() {
        RecordingShadow.silenced = { heard > WINDOW && heard <= 2 * WINDOW }
        assertEquals(listOf("some", "not heard", "not heard", "some"), levels())
    }

    @Test
    fun `a phone that does not tell is believed`() {
        RecordingShadow.silenced = { null }
        assertEquals(List(WINDOWS) { "some" }, levels())
    }

    private companion object {
        const val WINDOW = 8_000
        const val WINDOWS = 4
    }
}
