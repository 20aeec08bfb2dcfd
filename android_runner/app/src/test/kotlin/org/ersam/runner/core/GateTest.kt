package org.ersam.runner.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class GateTest {
    private val platform = FakePlatform()
    private val gate = Gate(SMALL_JOB.gate, platform) { platform.clock.now / 1_000_000 }
    private val told = mutableListOf<String>()

    @Test
    fun `a cool phone does not wait`() {
        assertEquals(GateResult(0.0, false, null), gate.pass(told::add))
        assertEquals(emptyList<String>(), told)
    }

    @Test
    fun `a warm battery is waited for`() {
        platform.temperatureC = { now -> if (now < 12e9) 36.0 else 34.0 }
        val passed = gate.pass(told::add)
        assertEquals(GateResult(15.0, false, "battery at 36.0 C, allowed 35.0 C"), passed)
        assertEquals(3, told.size)
    }

    @Test
    fun `the wait is bounded and flagged`() {
        platform.headroom = { 0.9 }
        val passed = gate.pass(told::add)
        assertTrue(passed.timedOut)
        assertEquals(60.0, passed.waitedSeconds, 1e-9)
        assertEquals("thermal headroom 0.9, allowed 0.7 (1 is severe throttling)", passed.reason)
    }

    @Test
    fun `a headroom that is not told limits nothing`() {
        platform.headroom = { null }
        val passed = gate.pass(told::add)
        assertFalse(passed.timedOut)
        assertNull(passed.reason)
    }
}
