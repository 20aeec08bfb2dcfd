package org.ersam.runner.live

import android.annotation.SuppressLint
import android.media.AudioFormat
import android.media.AudioRecord
import android.media.MediaRecorder
import java.io.IOException

/** Where windows of sound come from; they are held in memory only. */
interface SoundSource : AutoCloseable {
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
 * @throws IOException another app holds it, or the phone refuses.
 */
class Microphone : SoundSource {
    private val record: AudioRecord
    private val piece = ShortArray(RATE_HZ / 10)

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
        while (filled < window.size) {
            val count = record.read(piece, 0, minOf(piece.size, window.size - filled))
            if (count <= 0) return false
            for (i in 0 until count) window[filled + i] = piece[i] / FULL_SCALE
            filled += count
        }
        return true
    }

    override fun stop() {
        if (record.recordingState == AudioRecord.RECORDSTATE_RECORDING) record.stop()
    }

    override fun close() = record.release()

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
