package org.ersam.runner.device

import org.ersam.runner.core.EnergyMethod
import org.ersam.runner.core.MeterReading
import org.ersam.runner.core.PowerMeter

/** The battery's fuel gauge as a meter: charge, current and voltage, read together. */
class BatteryMeter private constructor(private val battery: BatteryReader) : PowerMeter {
    override val name = "fuel gauge of the battery"
    override val methods = listOf(EnergyMethod.BATTERY_CHARGE_COUNTER, EnergyMethod.BATTERY_CURRENT)

    override fun read(elapsedMs: Long): MeterReading {
        val state = battery.state()
        return MeterReading(
            elapsedMs = elapsedMs,
            chargeUah = battery.chargeUah(),
            currentUa = battery.currentUa(),
            voltageMv = state.voltageMv.value?.toLong(),
            batteryPercent = state.percent.value,
        )
    }

    companion object {
        /** Null where the gauge tells nothing that energy could come from. */
        fun find(battery: BatteryReader): BatteryMeter? {
            val something = listOf(battery.chargeUah(), battery.currentUa()).any { it != null && it != 0L }
            return if (something && battery.state().voltageMv.value != null) BatteryMeter(battery) else null
        }
    }
}
