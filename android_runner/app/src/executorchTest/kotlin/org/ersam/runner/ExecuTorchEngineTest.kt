package org.ersam.runner

import java.io.File
import org.ersam.runner.core.ErrorCode
import org.ersam.runner.core.RunnerError
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.pytorch.executorch.ExecuTorchRuntime
import org.pytorch.executorch.Module

class ExecuTorchEngineTest {
    private val engine = ExecuTorchEngine()

    @Test
    fun `a model is loaded with the asked threads and run with its shape`() {
        engine.load(File("/m/net.pte"), 2).use { model ->
            assertArrayEquals(floatArrayOf(2f, -4f), model.run(floatArrayOf(1f, -2f), intArrayOf(1, 2)), 0f)
            assertArrayEquals(floatArrayOf(6f), model.run(floatArrayOf(3f), intArrayOf(1, 1)), 0f)
        }
        val module = Module.loaded.last()
        assertEquals(listOf("/m/net.pte", 2, true), listOf(module.path, module.numThreads, module.closed))
    }

    @Test
    fun `what the runtime throws is engine_failed with its message`() {
        val broken = assertThrows(RunnerError::class.java) { engine.load(File("broken.pte"), 1) }
        assertEquals(ErrorCode.ENGINE_FAILED, broken.code)
        assertEquals("broken.pte: cannot be loaded: [35] invalid program", broken.message)
        val shape = assertThrows(RunnerError::class.java) {
            engine.load(File("net.pte"), 1).use { it.run(floatArrayOf(1f), intArrayOf(1)) }
        }
        assertEquals("the model cannot run: [18] rank 1, expected 2", shape.message)
    }

    @Test
    fun `a module whose method does not load is closed`() {
        assertThrows(RunnerError::class.java) { engine.load(File("lazy.pte"), 1) }
        assertTrue(Module.loaded.last().closed)
    }

    @Test
    fun `a native library that does not load is one line too`() {
        ExecuTorchRuntime.fails = UnsatisfiedLinkError("libexecutorch.so not found")
        try {
            val error = assertThrows(RunnerError::class.java) { ExecuTorchEngine().info }
            assertEquals("runtime cannot be started: libexecutorch.so not found", error.message)
        } finally {
            ExecuTorchRuntime.fails = null
        }
        assertEquals(listOf("XnnpackBackend"), ExecuTorchEngine().info.backends)
    }
}
