package org.ersam.runner.device

import android.content.Context
import android.os.Build
import android.os.Debug
import android.os.PowerManager
import android.os.SystemClock
import org.ersam.runner.core.Clock
import org.ersam.runner.core.Conditions
import org.ersam.runner.core.CpuFiles
import org.ersam.runner.core.DeviceInfo
import org.ersam.runner.core.Figure
import org.ersam.runner.core.Flag
import org.ersam.runner.core.MemoryReading
import org.ersam.runner.core.Platform
import org.ersam.runner.core.PowerMeter
import org.ersam.runner.core.utcNow

/** The phone itself. */
class AndroidPlatform(private val context: Context, private val cpuFiles: CpuFiles = CpuFiles()) : Platform {
    private val power = context.systemService<PowerManager>()
    private val battery = BatteryReader(context)
    private val thermal = ThermalReader(power)
    private val clusters = cpuFiles.clusters()
    override val clock: Clock = AndroidClock

    override fun device(): DeviceInfo = readDevice(context, cpuFiles)

    override fun conditions(elapsedMs: Long): Conditions {
        val state = battery.state()
        return Conditions(
            elapsedMs = elapsedMs,
            batteryTemperatureC = state.temperatureC,
            batteryPercent = state.percent,
            voltageMv = state.voltageMv,
            plugged = state.plugged,
            charging = state.charging,
            thermalStatus = thermal.status(),
            thermalHeadroom = thermal.headroom(),
            screenOn = Flag.of(power.isInteractive),
            powerSave = Flag.of(power.isPowerSaveMode),
            cpuKhz = cpuFiles.currentKhz(clusters),
        )
    }

    override fun memory(): MemoryReading = MemoryReading(
        pssBytes = Figure.of(Debug.getPss() * BYTES_PER_KIB),
        nativeHeapBytes = Figure.of(Debug.getNativeHeapAllocatedSize().toDouble()),
    )

    override fun meter(): PowerMeter? {
        val rails = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.VANILLA_ICE_CREAM) RailMeter.find(context) else null
        return rails ?: BatteryMeter.find(battery)
    }

    override fun batteryChargeUah(): Long? = battery.chargeUah()

    override fun currentCpu(): Int? = cpuFiles.currentCpu()

    private companion object {
        const val BYTES_PER_KIB = 1024.0
    }
}

private object AndroidClock : Clock {
    override fun nanos(): Long = SystemClock.elapsedRealtimeNanos()

    override fun sleepMillis(millis: Long) = Thread.sleep(millis)

    override fun utc(): String = utcNow()
}
