package org.ersam.runner.core

import java.util.Random
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class EnergyEstimateTest {
    private val rails = listOf(EnergyMethod.POWER_RAILS)

    /** Baseline, active, baseline ... of 30 s each; [mw] gives the power of window i; 100 clips in each active one. */
    private fun windows(count: Int, disturbed: (Int) -> String? = { null }, mw: (Int) -> Double) = List(count) { i ->
        val begin = 30_000L * i
        val readings = listOf(
            MeterReading(begin, railsUj = mapOf("R" to 0L)),
            MeterReading(begin + 30_000, railsUj = mapOf("R" to (mw(i) * 30_000).toLong())),
        )
        EnergyWindow(i % 2 == 1, readings, 30.0, if (i % 2 == 1) 100 else 0, disturbed(i))
    }

    @Test
    fun `energy per clip is what the active windows add`() {
        // 300 mW more for 30 s, 100 clips: 90 mJ each.
        val estimate = estimateEnergy(windows(7) { if (it % 2 == 1) 800.0 else 500.0 }, rails)
        assertEquals(90.0, estimate.interval!!.mean, 1e-6)
        assertEquals(0.0, estimate.interval!!.halfWidth, 1e-6)
        assertEquals(EnergyRepeat(100, 30.0, 24_000.0, 500.0, 500.0, 90.0, true, null), estimate.repeats[0])
    }

    @Test
    fun `a steady drift of the idle power cancels`() {
        val random = Random(4)
        repeat(50) {
            val slope = random.nextDouble() * 40 - 20
            val added = 100 + random.nextDouble() * 500
            val estimate = estimateEnergy(windows(11) { 800 + slope * it + if (it % 2 == 1) added else 0.0 }, rails)
            assertEquals(added * 30 / 100, estimate.interval!!.mean, 1e-3)
        }
    }

    @Test
    fun `a repeat across a step of the idle power is left out and says so`() {
        val step = { i: Int -> if (i >= 4) 1500.0 else 500.0 } // something else began in the second active window
        val estimate = estimateEnergy(windows(11) { step(it) + if (it % 2 == 1) 300 else 0 }, rails)
        val left = estimate.repeats[1]
        assertFalse(left.used)
        assertEquals("the idle power went from 500 to 1.50e+03 mW, more than the model adds", left.reason)
        assertEquals(90.0, estimate.interval!!.mean, 1e-6)
    }

    @Test
    fun `noise widens the interval, and the interval holds the truth`() {
        val random = Random(5)
        val held = (1..300).count {
            val noisy = windows(11) { 500 + 20 * random.nextGaussian() + if (it % 2 == 1) 300 else 0 }
            val interval = estimateEnergy(noisy, rails).interval!!
            interval.low <= 90 && interval.high >= 90
        }
        assertTrue("$held of 300", held >= 270)
    }

    @Test
    fun `what cannot be told from idling is null`() {
        val random = Random(6)
        val noise = List(11) { 500 + 50 * random.nextGaussian() }
        val estimate = estimateEnergy(windows(11) { noise[it] }, rails)
        assertNull(estimate.interval)
        assertTrue(estimate.reason, "repeats can be used" in estimate.reason!! || "not distinguishable" in estimate.reason!!)
    }

    @Test
    fun `less than the meter can resolve is null`() {
        // A counter with steps of 1000 uAh at 4 V is 14.4 J a step; the model adds 10 mW for 30 s = 0.3 J.
        fun window(i: Int): EnergyWindow {
            val stepMs = if (i % 2 == 1) 14_257L else 14_400L // 1010 and 1000 mW
            val readings = List(4) { n -> MeterReading(i * 100_000L + n * stepMs, 9_000_000L - 1000 * n, null, 4000) }
            return EnergyWindow(i % 2 == 1, readings, 30.0, 100 * (i % 2), null)
        }
        val estimate = estimateEnergy(List(7, ::window), listOf(EnergyMethod.BATTERY_CHARGE_COUNTER))
        assertNull(estimate.interval)
        assertEquals(14_400.0, estimate.resolutionMj!!, 1e-6)
        assertTrue(estimate.reason, "below the meter's resolution" in estimate.reason!!)
    }

    @Test
    fun `a charger plugged in spoils the windows beside it`() {
        val estimate = estimateEnergy(windows(7, { if (it == 3) "plugged in" else null }) { if (it % 2 == 1) 800.0 else 500.0 }, rails)
        assertEquals(listOf(true, false, true), estimate.repeats.map { it.used })
        assertEquals("active: plugged in", estimate.repeats[1].reason)
        assertNull(estimate.interval)
        assertEquals("power_rails: 2 of 3 repeats can be used, needed 3: active: plugged in", estimate.reason)
    }

    @Test
    fun `the next method is tried where the first has no value`() {
        fun window(i: Int): EnergyWindow {
            val ua = if (i % 2 == 1) 300_000L else 200_000L
            val readings = List(31) { n -> MeterReading(i * 30_000L + n * 1000, 1000, ua + n % 2, 4000) }
            return EnergyWindow(i % 2 == 1, readings, 30.0, 100 * (i % 2), null)
        }
        val methods = listOf(EnergyMethod.BATTERY_CHARGE_COUNTER, EnergyMethod.BATTERY_CURRENT)
        val estimate = estimateEnergy(List(7, ::window), methods)
        assertEquals(EnergyMethod.BATTERY_CURRENT, estimate.method)
        assertEquals(0.1 * 4 * 30 * 1e3 / 100, estimate.interval!!.mean, 1e-3) // 100 mA at 4 V
        assertTrue("battery_charge_counter: 0 of 3" in estimateEnergy(List(7, ::window), methods.take(1)).reason!!)
    }
}
