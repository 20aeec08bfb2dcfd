package org.ersam.runner.core

import java.util.Random
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class WindowPowerTest {
    private fun charge(vararg uah: Long, mv: Long = 4000) =
        windowPower(uah.mapIndexed { i, q -> MeterReading(1000L * i, q, null, mv) }, EnergyMethod.BATTERY_CHARGE_COUNTER)

    private fun current(vararg ua: Long, mv: Long? = 4000) =
        windowPower(ua.mapIndexed { i, a -> MeterReading(1000L * i, null, a, mv) }, EnergyMethod.BATTERY_CURRENT)

    private fun rails(vararg uj: Pair<Long, Long>) =
        windowPower(uj.map { (ms, e) -> MeterReading(ms, railsUj = mapOf("CPU" to e)) }, EnergyMethod.POWER_RAILS)

    @Test
    fun `charge times voltage, from the first step to the last`() {
        // Steps at 1 s and 3 s: 100 uAh in 2 s at 4 V = 100e-6 * 3600 * 4 J / 2 s = 720 mW.
        val power = charge(1000, 900, 900, 800, 800)
        assertEquals(720.0, power.milliwatts!!, 1e-9)
        assertEquals(1440.0, power.stepMj!!, 1e-9)
    }

    @Test
    fun `the step of a counter that moves at every reading is what its falls share`() {
        assertEquals(50 * 4000 * 3.6e-3, charge(1000, 900, 750, 600).stepMj!!, 1e-9)
        assertEquals(1 * 4000 * 3.6e-3, charge(1000, 822, 643, 465).stepMj!!, 1e-9)
    }

    @Test
    fun `where the window cuts a coarse counter does not matter`() {
        val random = Random(3)
        repeat(50) {
            val watts = 0.5 + random.nextDouble() * 4
            val phaseUah = random.nextDouble() * 500
            val readings = List(120) { second ->
                val spent = watts * second / 3.6e-3 / 4.0 + phaseUah // uAh at 4 V
                MeterReading(1000L * second, 3_000_000 - 200 * Math.floorDiv((spent * 1e0).toLong(), 200L), null, 4000)
            }
            val power = windowPower(readings, EnergyMethod.BATTERY_CHARGE_COUNTER).milliwatts!!
            assertEquals(watts * 1e3, power, watts * 1e3 * 0.05)
        }
    }

    @Test
    fun `a counter that is stuck, zero, missing, rising or jumping gives no power`() {
        assertTrue(charge(1000, 1000, 1000).reason!!.startsWith("the charge counter moved 0 times"))
        assertTrue(charge(1000, 1000, 990).reason!!.startsWith("the charge counter moved 1 times"))
        assertEquals("the charge counter reads 0", charge(0, 0, 0).reason)
        assertEquals("the charge counter rose from 990 to 1010 uAh", charge(1000, 990, 1010, 1000).reason)
        assertTrue(charge(3_000_000, 2_999_900, 900).reason!!.startsWith("the charge counter jumped"))
        val none = windowPower(listOf(MeterReading(0)), EnergyMethod.BATTERY_CHARGE_COUNTER)
        assertEquals("the battery has no charge counter, or no voltage", none.reason)
    }

    @Test
    fun `a counter in mAh is refused, not believed`() {
        // 250 mA at 4 V: in mAh a step each 14.4 s.
        val readings = List(5) { MeterReading(14_400L * it, 2_400L - it, null, 4000) }
        val power = windowPower(readings, EnergyMethod.BATTERY_CHARGE_COUNTER)
        assertNull(power.milliwatts)
        assertEquals("the charge counter tells 250 uA, too little for a phone awake; perhaps it is in mAh", power.reason)
    }

    @Test
    fun `a counter that its battery's level shows to be in mAh is refused, however fast it falls`() {
        fun power(charge: Long, percent: Double?) = windowPower(
            List(5) { MeterReading(1_000L * it, charge - 100 * it, null, 4000, batteryPercent = percent) },
            EnergyMethod.BATTERY_CHARGE_COUNTER,
        )
        assertEquals(
            "the charge counter reads 2400 at 80.0 %, in uAh too little for a phone; perhaps it is in mAh",
            power(2_400, 80.0).reason,
        )
        assertEquals(1440.0, power(2_400_000, 80.0).milliwatts!!, 1e-9)
        assertEquals(1440.0, power(2_000, 1.0).milliwatts!!, 1e-9) // a battery that is nearly empty
        assertEquals(1440.0, power(20_000, null).milliwatts!!, 1e-9)
    }

    @Test
    fun `a counter that wraps is refused, not believed`() {
        val wrapped = charge(20, 10, 65_530, 65_520)
        assertNull(wrapped.milliwatts)
        assertEquals("the charge counter rose from 10 to 65530 uAh", wrapped.reason)
    }

    @Test
    fun `current times voltage, whatever its sign`() {
        val expected = 4.0 * (500 + 600) / 2 // mW: mean of 500 and 600 mA at 4 V
        assertEquals(expected, current(500_000, 600_000).milliwatts!!, 1e-9)
        assertEquals(expected, current(-500_000, -600_000).milliwatts!!, 1e-9)
        assertEquals(100_000 * 4000 * 1e-6, current(500_000, 600_000).stepMj!!, 1e-9) // 100 mA for 1 s
    }

    @Test
    fun `a current that is stuck, zero, of both signs or of another unit gives no power`() {
        assertEquals("the battery's current is stuck at 500000 uA", current(500_000, 500_000).reason)
        assertEquals("the battery's current reads 0", current(0, 0).reason)
        assertEquals("the battery's current changed its sign in the window", current(500_000, -500_000).reason)
        assertTrue(current(350, 360).reason!!.endsWith("perhaps it is in mA"))
        assertEquals("the battery tells no current, or no voltage", current(500_000, 600_000, mv = null).reason)
    }

    @Test
    fun `rails are counted between distinct readings only`() {
        // 3 J in 30 s between new readings; the cached ones in between and after add nothing.
        assertEquals(100.0, rails(0L to 0L, 0L to 0L, 30_000L to 3_000_000L, 30_000L to 3_000_000L).milliwatts!!, 1e-9)
    }

    @Test
    fun `rails that do not move, count backwards or are seen once give no power`() {
        assertEquals("no rail moved in the window", rails(0L to 5L, 30_000L to 5L).reason)
        assertEquals("rail CPU counted backwards from 9 uJ", rails(0L to 9L, 30_000L to 5L).reason)
        assertTrue(rails(0L to 9L).reason!!.startsWith("the rails gave 1 new readings"))
        assertTrue(windowPower(listOf(MeterReading(0)), EnergyMethod.POWER_RAILS).reason!!.startsWith("the rails gave 0"))
    }
}
