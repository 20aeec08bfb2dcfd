package org.ersam.runner.device

import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.os.BatteryManager
import org.ersam.runner.core.Figure
import org.ersam.runner.core.Flag

/** What the battery tells: state by the sticky broadcast, charge and current by the fuel gauge's properties. */
class BatteryReader(private val context: Context) {
    private val manager = context.systemService<BatteryManager>()

    fun state(): BatteryState =
        BatteryState(context.registerReceiver(null, IntentFilter(Intent.ACTION_BATTERY_CHANGED)))

    /** Charge left, in uAh; null where the gauge does not count it. */
    fun chargeUah(): Long? = property(BatteryManager.BATTERY_PROPERTY_CHARGE_COUNTER)

    /** Current at this moment, in uA; null where the gauge does not measure it. */
    fun currentUa(): Long? = property(BatteryManager.BATTERY_PROPERTY_CURRENT_NOW)

    /** A gauge that lacks a property answers with the least number of its type. */
    private fun property(id: Int): Long? =
        manager.getLongProperty(id).takeUnless { it == Long.MIN_VALUE || it == Int.MIN_VALUE.toLong() }
}

/** The battery's last broadcast; null where there was none. */
class BatteryState(private val broadcast: Intent?) {
    val temperatureC: Figure
        get() = Figure.finite(extra(BatteryManager.EXTRA_TEMPERATURE)?.div(TENTHS), "the battery tells no temperature")

    val percent: Figure
        get() {
            val level = extra(BatteryManager.EXTRA_LEVEL)
            val scale = extra(BatteryManager.EXTRA_SCALE)
            val share = if (level == null || scale == null || scale <= 0) null else 100.0 * level / scale
            return Figure.finite(share, "the battery tells no level")
        }

    /** In mV; some phones tell whole volts, which is too coarse for energy and counts as none. */
    val voltageMv: Figure
        get() {
            val voltage = extra(BatteryManager.EXTRA_VOLTAGE)
            val usable = voltage?.takeIf { it >= LEAST_MILLIVOLTS }?.toDouble()
            return Figure.finite(usable, if (voltage == null) "the battery tells no voltage" else "the battery tells $voltage, no mV")
        }

    val plugged: String
        get() = when (extra(BatteryManager.EXTRA_PLUGGED)) {
            null -> "unknown"
            0 -> "none"
            BatteryManager.BATTERY_PLUGGED_AC -> "ac"
            BatteryManager.BATTERY_PLUGGED_USB -> "usb"
            BatteryManager.BATTERY_PLUGGED_WIRELESS -> "wireless"
            BatteryManager.BATTERY_PLUGGED_DOCK -> "dock"
            else -> "unknown"
        }

    val charging: Flag
        get() = when (val status = extra(BatteryManager.EXTRA_STATUS)) {
            null, BatteryManager.BATTERY_STATUS_UNKNOWN -> Flag.none("the battery tells no status")
            else -> Flag.of(status == BatteryManager.BATTERY_STATUS_CHARGING)
        }

    private fun extra(name: String): Int? =
        broadcast?.takeIf { it.hasExtra(name) }?.getIntExtra(name, 0)

    private companion object {
        const val TENTHS = 10.0
        const val LEAST_MILLIVOLTS = 1_000
    }
}
