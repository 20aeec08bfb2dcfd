package org.ersam.runner.device

import android.app.Application
import android.content.Intent
import android.os.BatteryManager
import android.os.Build
import android.os.PowerManager
import android.os.PowerMonitor
import android.os.SystemClock
import org.ersam.runner.core.EnergyMethod
import org.ersam.runner.core.Figure
import org.ersam.runner.core.Flag
import org.ersam.runner.core.Gate
import org.ersam.runner.core.MeterReading
import org.ersam.runner.core.SMALL_JOB
import org.ersam.runner.core.Text
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.util.ReflectionHelpers

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], shadows = [HeadroomShadow::class, RailsShadow::class])
class AndroidPlatformTest {
    private val app: Application = RuntimeEnvironment.getApplication()
    private val power = app.systemService<PowerManager>()
    private val gauge = shadowOf(app.systemService<BatteryManager>())

    @Before
    fun forgetTheLastPhone() {
        HeadroomShadow.headroom = 0.25f
        HeadroomShadow.toldAtMs = null
        RailsShadow.monitors = emptyList()
        RailsShadow.energiesUj = emptyMap()
        RailsShadow.ageMs = 0
    }

    @Suppress("DEPRECATION") // sticky broadcasts are how the battery tells its state
    private fun battery(
        temperature: Int = 285,
        voltage: Int = 3900,
        plugged: Int = 0,
        status: Int = BatteryManager.BATTERY_STATUS_DISCHARGING,
    ) {
        app.sendStickyBroadcast(
            Intent(Intent.ACTION_BATTERY_CHANGED)
                .putExtra(BatteryManager.EXTRA_TEMPERATURE, temperature)
                .putExtra(BatteryManager.EXTRA_VOLTAGE, voltage)
                .putExtra(BatteryManager.EXTRA_PLUGGED, plugged)
                .putExtra(BatteryManager.EXTRA_STATUS, status)
                .putExtra(BatteryManager.EXTRA_LEVEL, 41)
                .putExtra(BatteryManager.EXTRA_SCALE, 50),
        )
    }

    private fun gauge(chargeUah: Long, currentUa: Long) {
        gauge.setLongProperty(BatteryManager.BATTERY_PROPERTY_CHARGE_COUNTER, chargeUah)
        gauge.setLongProperty(BatteryManager.BATTERY_PROPERTY_CURRENT_NOW, currentUa)
    }

    private fun platform() = AndroidPlatform(app)

    private fun <T> onAndroid(sdk: Int, block: () -> T): T {
        val real = Build.VERSION.SDK_INT
        ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", sdk)
        return try {
            block()
        } finally {
            ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", real)
        }
    }

    @Test
    fun `the battery's state with its units`() {
        battery(plugged = BatteryManager.BATTERY_PLUGGED_USB, status = BatteryManager.BATTERY_STATUS_CHARGING)
        val now = platform().conditions(7)
        assertEquals(7, now.elapsedMs)
        assertEquals(Figure.of(28.5), now.batteryTemperatureC)
        assertEquals(Figure.of(82.0), now.batteryPercent)
        assertEquals(Figure.of(3900.0), now.voltageMv)
        assertEquals("usb", now.plugged)
        assertEquals(Flag.of(true), now.charging)
    }

    @Test
    fun `every way of being plugged in has its name`() {
        val names = listOf(0, 1, 2, 4, 8, 64).map { battery(plugged = it); platform().conditions(0).plugged }
        assertEquals(listOf("none", "ac", "usb", "wireless", "dock", "unknown"), names)
    }

    @Test
    fun `a battery that tells nothing, or volts, is null with the reason`() {
        val silent = BatteryState(null)
        assertEquals("the battery tells no temperature", silent.temperatureC.reason)
        assertEquals("the battery tells no level", silent.percent.reason)
        assertEquals("the battery tells no voltage", silent.voltageMv.reason)
        assertEquals("unknown", silent.plugged)
        assertEquals("the battery tells no status", silent.charging.reason)
        battery(voltage = 4)
        assertEquals("the battery tells 4, no mV", platform().conditions(0).voltageMv.reason)
    }

    @Test
    fun `thermal status and headroom`() {
        shadowOf(power).setCurrentThermalStatus(PowerManager.THERMAL_STATUS_SEVERE)
        HeadroomShadow.headroom = 0.9f
        val now = platform().conditions(0)
        assertEquals(Text.of("severe"), now.thermalStatus)
        assertEquals(0.9, now.thermalHeadroom.value!!, 1e-6)
        SystemClock.sleep(1_000)
        HeadroomShadow.headroom = Float.NaN
        assertEquals("not supported, or asked too often", platform().conditions(0).thermalHeadroom.reason)
    }

    @Test
    fun `a headroom holds for a second, in which Android tells no other`() {
        val platform = platform()
        fun headroom() = platform.conditions(0).thermalHeadroom.value?.toFloat()
        assertEquals(0.25f, headroom())
        HeadroomShadow.headroom = 0.5f
        SystemClock.sleep(999)
        assertEquals(0.25f, headroom())
        SystemClock.sleep(1)
        assertEquals(0.5f, headroom())
        HeadroomShadow.headroom = Float.NaN
        SystemClock.sleep(1_000)
        assertNull(headroom())
    }

    /** The state after a repeat is looked at milliseconds before the gate of the next one. */
    @Test
    fun `a phone that is hot after a repeat does not pass the gate of the next`() {
        HeadroomShadow.headroom = 0.9f
        val platform = platform()
        val gate = Gate(SMALL_JOB.gate.copy(maxWaitSeconds = 0.0), platform) { 0 }
        repeat(3) {
            platform.conditions(0)
            assertTrue(gate.pass {}.timedOut)
        }
    }

    @Test
    fun `an older Android does not tell heat, and no rails are looked for`() {
        battery()
        gauge(3_000_000, -400_000)
        onAndroid(28) {
            val now = platform().conditions(0)
            assertEquals("told since Android 10 only", now.thermalStatus.reason)
            assertEquals("told since Android 11 only", now.thermalHeadroom.reason)
            assertEquals("told since Android 12 only", platform().device().soc.reason)
            assertEquals("fuel gauge of the battery", platform().meter()!!.name)
        }
    }

    @Test
    fun `screen and power save`() {
        shadowOf(power).turnScreenOn(false)
        shadowOf(power).setIsPowerSaveMode(true)
        val now = platform().conditions(0)
        assertEquals(Flag.of(false), now.screenOn)
        assertEquals(Flag.of(true), now.powerSave)
    }

    @Test
    fun `the fuel gauge reads charge, current and voltage together`() {
        battery()
        gauge(3_000_000, -400_000)
        val meter = platform().meter()!!
        assertEquals(listOf(EnergyMethod.BATTERY_CHARGE_COUNTER, EnergyMethod.BATTERY_CURRENT), meter.methods)
        assertEquals(MeterReading(5, 3_000_000, -400_000, 3900, batteryPercent = 82.0), meter.read(5))
        assertEquals(3_000_000L, platform().batteryChargeUah())
    }

    @Test
    fun `a gauge that counts nothing is no meter`() {
        battery()
        gauge(Long.MIN_VALUE, Long.MIN_VALUE)
        assertNull(platform().meter())
        assertNull(platform().batteryChargeUah())
        gauge(0, Int.MIN_VALUE.toLong())
        assertNull(platform().meter())
        gauge(3_000_000, 0)
        battery(voltage = 4)
        assertNull(platform().meter())
    }

    @Test
    fun `rails that are measured come before the battery, at the time that they carry`() {
        battery()
        gauge(3_000_000, -400_000)
        RailsShadow.monitors = listOf(
            PowerMonitor(0, PowerMonitor.POWER_MONITOR_TYPE_CONSUMER, "CPU"),
            PowerMonitor(1, PowerMonitor.POWER_MONITOR_TYPE_MEASUREMENT, "S2M_VDD_CPUCL2"),
            PowerMonitor(2, PowerMonitor.POWER_MONITOR_TYPE_MEASUREMENT, "DEAD"),
        )
        RailsShadow.energiesUj = mapOf("CPU" to 9L, "S2M_VDD_CPUCL2" to 1234L)
        RailsShadow.ageMs = 20
        val meter = platform().meter()!!
        assertEquals("1 power rails: S2M_VDD_CPUCL2", meter.name)
        assertEquals(MeterReading(80, railsUj = mapOf("S2M_VDD_CPUCL2" to 1234L)), meter.read(100))
        RailsShadow.energiesUj = null
        assertEquals(MeterReading(100), meter.read(100))
    }

    @Test
    fun `rails that only a model estimates, or that refuse, are no meter`() {
        battery()
        gauge(3_000_000, -400_000)
        RailsShadow.monitors = listOf(PowerMonitor(0, PowerMonitor.POWER_MONITOR_TYPE_CONSUMER, "CPU"))
        assertEquals("fuel gauge of the battery", platform().meter()!!.name)
        RailsShadow.monitors = listOf(PowerMonitor(0, PowerMonitor.POWER_MONITOR_TYPE_MEASUREMENT, "CPU"))
        RailsShadow.energiesUj = null
        assertEquals("fuel gauge of the battery", platform().meter()!!.name)
    }

    @Test
    fun `who the phone is`() {
        val device = platform().device()
        assertEquals(35, device.sdkInt)
        assertEquals(Build.FINGERPRINT, device.fingerprint)
        assertTrue(device.cores >= 1)
    }
}
