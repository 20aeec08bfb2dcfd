package org.ersam.runner.core

import java.io.File
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class VectorsTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val fp32 = floatArrayOf(0.25f, 0.75f)
    private val int8 = floatArrayOf(0.3f, 0.7f)
    private val bytes = vectorsBytes(shortArrayOf(0, 32767, -32767), 2, listOf(fp32, int8))

    private fun file(content: ByteArray): File = folder.newFile().apply { writeBytes(content) }

    private fun model(answer: (FloatArray) -> FloatArray) = FakeEngine(FakeClock(), answer = answer).load(File("x"), 1)

    @Test
    fun `inputs are the clip times the gain, outputs those of the precision`() {
        val vectors = Vectors.read(file(bytes), 2, 2)
        assertEquals(2, vectors.count)
        assertArrayEquals(floatArrayOf(0f, 2f, -2f), vectors.input(1), 0f)
        assertArrayEquals(fp32, vectors.expected(0, 0), 0f)
        assertArrayEquals(int8, vectors.expected(1, 1), 0f)
    }

    @Test
    fun `the same numbers pass, others do not`() {
        val vectors = Vectors.read(file(bytes), 2, 2)
        assertTrue(checkVectors(vectors, model { fp32 }, 0, 1e-4).passed)
        val differing = checkVectors(vectors, model { int8 }, 0, 1e-2)
        assertFalse(differing.passed)
        assertEquals(0.05, differing.maxDifference!!, 1e-6)
    }

    @Test
    fun `an output that is no number fails whatever comes after it`() {
        var runs = 0
        val vectors = Vectors.read(file(bytes), 2, 2)
        val result = checkVectors(vectors, model { if (runs++ == 0) floatArrayOf(Float.NaN, 0f) else fp32 }, 0, 10.0)
        assertFalse(result.passed)
        assertNull(result.maxDifference)
    }

    @Test
    fun `a model with another number of outputs is refused`() {
        val error = assertThrows(RunnerError::class.java) {
            checkVectors(Vectors.read(file(bytes), 2, 2), model { floatArrayOf(1f) }, 0, 1.0)
        }
        assertEquals("vector 0: the model has 1 outputs, expected 2; lower the net anew", error.message)
    }

    @Test
    fun `a file that is cut, foreign or of other sizes is refused`() {
        fun reason(content: ByteArray, precisions: Int = 2, outputs: Int = 2) =
            assertThrows(RunnerError::class.java) { Vectors.read(file(content), precisions, outputs) }.message!!
        assertTrue("not a vectors.bin" in reason(bytes.copyOf(20)))
        assertTrue("not a vectors.bin" in reason("no vectors at all, but long enough".encodeToByteArray()))
        assertTrue("the header says ${bytes.size}" in reason(bytes.copyOf(bytes.size - 1)))
        assertTrue("2 precisions, the manifest has 1" in reason(bytes, precisions = 1))
        assertTrue("2 outputs, the manifest has 11" in reason(bytes, outputs = 11))
        assertTrue("layout 9, expected 1" in reason(bytes.copyOf().also { it[8] = 9 }))
        assertTrue("sizes" in reason(bytes.copyOf().also { it[15] = -1 }))
        assertTrue("a clip that it does not hold" in reason(bytes.copyOf().also { it[38] = 7 }))
        assertTrue("cannot be read" in assertThrows(RunnerError::class.java) { Vectors.read(File("/none"), 1, 1) }.message!!)
    }
}
