package org.ersam.runner.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

class WarmUpTest {
    private val plan = WarmUpPlan(windowRuns = 5, tolerance = 0.02, maxSeconds = 10.0)

    /** Runs until over; each run takes its own time. */
    private fun warm(sampleMs: (Int) -> Double): WarmUp {
        val warmUp = WarmUp(plan)
        var seconds = 0.0
        while (!warmUp.over(seconds)) {
            val ms = sampleMs(warmUp.runs)
            warmUp.add(ms)
            seconds += ms / 1e3
        }
        return warmUp
    }

    @Test
    fun `a still net is warm after two windows`() {
        val warmUp = warm { 10.0 }
        assertTrue(warmUp.stable)
        assertEquals(10, warmUp.runs)
    }

    @Test
    fun `a net that speeds up is waited for`() {
        val warmUp = warm { run -> if (run < 20) 100.0 - run else 50.0 }
        assertTrue(warmUp.stable)
        assertTrue(warmUp.runs >= 30)
    }

    @Test
    fun `a net that never settles is not waited for longer than allowed, and says so`() {
        val warmUp = warm { run -> 100.0 * Math.pow(1.02, run.toDouble()) }
        assertFalse(warmUp.stable)
    }

    @Test
    fun `even without time there is one run`() {
        val warmUp = WarmUp(plan.copy(maxSeconds = 0.0))
        assertFalse(warmUp.over(0.0))
        warmUp.add(1.0)
        assertTrue(warmUp.over(0.0))
    }
}
