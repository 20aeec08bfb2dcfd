package org.ersam.runner.live

import android.annotation.SuppressLint
import android.media.AudioFormat
import android.media.AudioRecord
import android.media.MediaRecorder
import android.os.Build
import java.io.IOException

/** Where windows of sound come from; they are held in memory only. */
interface SoundSource : AutoCloseable {
    /** Whether the window that was read last holds silence in place of sound that the app may not hear. */
    val silenced: Boolean

    /**
     * Fill [window] with mono sound at 16 kHz within [-1, 1], waiting for it.
     *
     * @return false where the sound ended.
     */
    fun read(window: FloatArray): Boolean

    /** End a [read] that waits; may be called from another thread. */
    fun stop()
}

/**
 * The phone's microphone, with as little processing as every phone offers.
 *
 * During a call, for an app that goes before this one, or with the microphone switched off for all,
 * Android delivers zeros. It tells so since Android 10.
 *
 * @throws IOException another app holds it, or the phone refuses.
 */
class Microphone : SoundSource {
    private val record: AudioRecord
    private val piece = ShortArray(RATE_HZ / 10)
    private var wasSilenced = false
    override var silenced = false
        private set

    init {
        val least = AudioRecord.getMinBufferSize(RATE_HZ, AudioFormat.CHANNEL_IN_MONO, AudioFormat.ENCODING_PCM_16BIT)
        record = open(maxOf(least, BUFFER_BYTES))
        if (record.state != AudioRecord.STATE_INITIALIZED) {
            record.release()
            throw IOException("the microphone cannot be opened now")
        }
        record.startRecording()
    }

    override fun read(window: FloatArray): Boolean {
        var filled = 0
        silenced = false
        while (filled < window.size) {
            val count = record.read(piece, 0, minOf(piece.size, window.size - filled))
            if (count <= 0) return false
            for (i in 0 until count) window[filled + i] = piece[i] / FULL_SCALE
            filled += count
            val isSilenced = isSilenced()
            // A piece may have waited in the buffer: what held at the end of the one before counts as well.
            silenced = silenced || wasSilenced || isSilenced
            wasSilenced = isSilenced
        }
        return true
    }

    override fun stop() {
        if (record.recordingState == AudioRecord.RECORDSTATE_RECORDING) record.stop()
    }

    override fun close() = record.release()

    private fun isSilenced(): Boolean = Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q &&
        record.activeRecordingConfiguration?.isClientSilenced == true

    @SuppressLint("MissingPermission") // the service asks before it makes one
    private fun open(bytes: Int) = AudioRecord(
        MediaRecorder.AudioSource.VOICE_RECOGNITION, RATE_HZ, AudioFormat.CHANNEL_IN_MONO, AudioFormat.ENCODING_PCM_16BIT, bytes,
    )

    private companion object {
        const val RATE_HZ = 16_000
        const val BUFFER_BYTES = 4 * RATE_HZ
        const val FULL_SCALE = 32_767f
    }
}
