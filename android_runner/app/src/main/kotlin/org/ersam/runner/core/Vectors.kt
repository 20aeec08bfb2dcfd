package org.ersam.runner.core

import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs

/**
 * Inputs of a bundle with the outputs expected of them: `vectors.bin`, whose layout stands in
 * `deploy/vectors.py`.
 *
 * Letters: V vectors, T samples of a clip, P precisions, K outputs.
 */
class Vectors private constructor(private val content: ByteBuffer) {
    private val clips = content.getInt(CLIPS_AT)
    private val samples = content.getInt(SAMPLES_AT)
    private val outputs = content.getInt(OUTPUTS_AT)
    private val precisions = content.getInt(PRECISIONS_AT)
    private val rowBytes: Long get() = 4L * (2 + precisions.toLong() * outputs)
    private val rowsAt: Long get() = HEADER_BYTES + 2L * clips * samples

    /** V. */
    val count: Int = content.getInt(COUNT_AT)

    /** Input [vector], float32 [T]: int16 / 32767 * gain, in float32. */
    fun input(vector: Int): FloatArray {
        val row = rowOf(vector)
        val gain = content.getFloat(row + 4)
        val clipAt = HEADER_BYTES + 2 * samples * content.getInt(row)
        return FloatArray(samples) { content.getShort(clipAt + 2 * it) / 32767f * gain }
    }

    /** Expected outputs of [vector], float32 [K]; [precision] 0 is fp32, 1 is int8. */
    fun expected(vector: Int, precision: Int): FloatArray {
        val at = rowOf(vector) + 8 + 4 * precision * outputs
        return FloatArray(outputs) { content.getFloat(at + 4 * it) }
    }

    private fun rowOf(vector: Int): Int = (rowsAt + vector * rowBytes).toInt()

    private fun problem(wantedPrecisions: Int, wantedOutputs: Int): String? {
        val version = content.getInt(VERSION_AT)
        val sizes = listOf(clips, samples, count, outputs, precisions)
        return when {
            version != LAYOUT_VERSION -> "layout $version, expected $LAYOUT_VERSION"
            sizes.any { it < 1 } -> "sizes $sizes, expected at least 1 each"
            precisions != wantedPrecisions -> "$precisions precisions, the manifest has $wantedPrecisions"
            outputs != wantedOutputs -> "$outputs outputs, the manifest has $wantedOutputs"
            rowsAt + count * rowBytes != content.capacity().toLong() ->
                "${content.capacity()} bytes, the header says ${rowsAt + count * rowBytes}"
            (0 until count).any { content.getInt(rowOf(it)) !in 0 until clips } -> "a clip that it does not hold"
            else -> null
        }
    }

    companion object {
        private const val MAGIC = "ERSAMVEC"
        private const val LAYOUT_VERSION = 1
        private const val VERSION_AT = 8
        private const val CLIPS_AT = 12
        private const val SAMPLES_AT = 16
        private const val COUNT_AT = 20
        private const val OUTPUTS_AT = 24
        private const val PRECISIONS_AT = 28
        private const val HEADER_BYTES = 32

        /**
         * Read `vectors.bin`.
         *
         * @throws RunnerError `bad_bundle`: no such file, or not of the manifest's sizes.
         */
        fun read(file: File, precisions: Int, outputs: Int): Vectors {
            val bytes = try {
                file.readBytes()
            } catch (error: IOException) {
                throw RunnerError(ErrorCode.BAD_BUNDLE, "$file: cannot be read (${error.message}); push it again")
            }
            val isOurs = bytes.size >= HEADER_BYTES && bytes.decodeToString(0, MAGIC.length) == MAGIC
            if (!isOurs) throw RunnerError(ErrorCode.BAD_BUNDLE, "$file: not a vectors.bin; lower the net anew")
            val vectors = Vectors(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN))
            vectors.problem(precisions, outputs)?.let {
                throw RunnerError(ErrorCode.BAD_BUNDLE, "$file: $it; lower the net anew")
            }
            return vectors
        }
    }
}

/**
 * Run every vector and compare.
 *
 * @param precision index of the precision in the file.
 * @param tolerance largest difference of an output that passes.
 */
fun checkVectors(vectors: Vectors, model: LoadedModel, precision: Int, tolerance: Double): VectorsResult {
    var largest = 0.0
    for (vector in 0 until vectors.count) {
        val input = vectors.input(vector)
        val got = model.run(input, intArrayOf(1, input.size))
        val expected = vectors.expected(vector, precision)
        if (got.size != expected.size) {
            val message = "vector $vector: the model has ${got.size} outputs, expected ${expected.size}"
            throw RunnerError(ErrorCode.BAD_BUNDLE, "$message; lower the net anew")
        }
        for (i in got.indices) {
            val difference = abs(got[i].toDouble() - expected[i])
            largest = if (difference.isNaN() || largest.isNaN()) Double.NaN else maxOf(largest, difference)
        }
    }
    return VectorsResult(vectors.count, largest.takeIf { it.isFinite() }, tolerance, largest <= tolerance)
}
