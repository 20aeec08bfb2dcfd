package org.ersam.runner.jvm

import java.io.File
import org.ersam.runner.core.EngineInfo
import org.ersam.runner.core.RunnerError
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** Engines are shell scripts: a greeting, then answers that are known beforehand. */
class ProcessEngineTest {
    private val greeting = """printf 'ERSAM-ENGINE 1 {"name":"executorch","version":"1.4.1","backends":[]}\n'; """

    private fun engine(script: String) = ProcessEngine(listOf("sh", "-c", script))

    private fun failure(script: String, use: (ProcessEngine) -> Unit): String =
        assertThrows(RunnerError::class.java) { use(engine(script)) }.message!!

    @Test
    fun `it greets, loads and runs`() {
        // 1.0f and -2.0f, little-endian, after reading the request's line and two floats.
        val script = greeting + """read l; printf 'OK\n'; read r; head -c 8 >/dev/null; printf 'OK 2\n\000\000\200\077\000\000\000\300'"""
        assertEquals(EngineInfo("executorch", "1.4.1", emptyList()), engine(script).info)
        engine(script).load(File("/net.pte"), 2).use {
            assertArrayEquals(floatArrayOf(1f, -2f), it.run(floatArrayOf(0f, 0f), intArrayOf(1, 2)), 0f)
        }
    }

    @Test
    fun `what it refuses, and how it dies, is one line`() {
        val load = { it: ProcessEngine -> it.load(File("/net.pte"), 1).close() }
        assertEquals("engine: no such program", failure(greeting + "read l; printf 'ERR no such program\\n'", load))
        assertEquals("engine: ended without an answer", failure(greeting + "read l", load))
        assertTrue(failure("echo hello", load).startsWith("engine: greeted with 'hello'"))
        assertTrue(failure("printf 'ERSAM-ENGINE 1 {}\\n'", load).startsWith("engine: greeted with no description"))
        assertEquals(
            "engine: answered with 'many' numbers",
            failure(greeting + "read l; printf 'OK\\n'; read r; printf 'OK many\\n'; cat >/dev/null") {
                it.load(File("/net.pte"), 1).use { model -> model.run(floatArrayOf(0f), intArrayOf(1)) }
            },
        )
        assertTrue(assertThrows(RunnerError::class.java) { ProcessEngine(listOf("/no/such/engine")).info }.message!!.contains("cannot be started"))
    }
}
