package org.ersam.runner.jvm

import java.io.File
import kotlin.math.sin
import org.ersam.runner.core.Clock
import org.ersam.runner.core.Conditions
import org.ersam.runner.core.DeviceInfo
import org.ersam.runner.core.EnergyMethod
import org.ersam.runner.core.Engine
import org.ersam.runner.core.EngineInfo
import org.ersam.runner.core.Figure
import org.ersam.runner.core.Flag
import org.ersam.runner.core.LoadedModel
import org.ersam.runner.core.MemoryReading
import org.ersam.runner.core.MeterReading
import org.ersam.runner.core.Platform
import org.ersam.runner.core.PowerMeter
import org.ersam.runner.core.Text
import org.ersam.runner.core.utcNow

/** A [TestDevice] in real time: its battery drains while [working] by the active power, else by the idle one. */
class ScriptedPlatform(
    private val test: TestDevice,
    override val clock: Clock = SystemClock,
) : Platform {
    private var spentMj = 0.0
    private var lastNanos = clock.nanos()

    /** Whether a model runs at this moment. */
    var working: Boolean = false
        set(value) {
            drain()
            field = value
        }

    override fun device(): DeviceInfo = test.device

    override fun conditions(elapsedMs: Long): Conditions = Conditions(
        elapsedMs = elapsedMs,
        batteryTemperatureC = Figure.of(test.battery.temperatureC),
        batteryPercent = Figure.of(test.battery.percent),
        voltageMv = Figure.of(test.battery.voltageMv.toDouble()),
        plugged = test.battery.plugged,
        charging = Flag.of(test.battery.charging),
        thermalStatus = Text.of(test.thermalStatus),
        thermalHeadroom = Figure.finite(test.thermalHeadroom, "the test device has none"),
        screenOn = Flag.of(test.screenOn),
        powerSave = Flag.of(test.powerSave),
        cpuKhz = test.device.cpuClusters.map { it.maxKhz },
    )

    /** Of this JVM's process; its native heap is not told. */
    override fun memory(): MemoryReading {
        val pss = File("/proc/self/smaps_rollup").takeIf { it.canRead() }?.useLines { lines ->
            lines.firstOrNull { it.startsWith("Pss:") }?.filter(Char::isDigit)?.toDoubleOrNull()
        }
        return MemoryReading(
            Figure.finite(pss?.times(1024), "this system has no smaps_rollup"),
            Figure.none("a JVM does not tell its native heap"),
        )
    }

    override fun currentCpu(): Int? = null

    override fun batteryChargeUah(): Long = (test.battery.capacityUah * test.battery.percent / 100).toLong()

    override fun meter(): PowerMeter? =
        EnergyMethod.entries.firstOrNull { it.word == test.power.meter }?.let { Meter(it) }

    private val milliwatts: Double get() = if (working) test.power.activeMw else test.power.idleMw

    private fun drain(): Double {
        val now = clock.nanos()
        spentMj += milliwatts * (now - lastNanos) / 1e9
        lastNanos = now
        return spentMj
    }

    private inner class Meter(method: EnergyMethod) : PowerMeter {
        override val name = "test device: ${method.word}"
        override val methods = listOf(method)
        private val step = test.power.step
        private var lastMj = spentMj
        private var lastReadNanos = lastNanos

        override fun read(elapsedMs: Long): MeterReading {
            val mj = drain()
            val voltage = test.battery.voltageMv
            return when (methods.single()) {
                EnergyMethod.POWER_RAILS -> MeterReading(elapsedMs, railsUj = mapOf("TEST" to stepped(mj * 1e3)))
                EnergyMethod.BATTERY_CHARGE_COUNTER ->
                    MeterReading(
                        elapsedMs, stepped(batteryChargeUah() - mj / 3.6e-3 / voltage), null, voltage,
                        batteryPercent = test.battery.percent,
                    )
                EnergyMethod.BATTERY_CURRENT ->
                    MeterReading(elapsedMs, null, stepped(-meanMilliwatts(mj) * 1e6 / voltage), voltage)
            }
        }

        /** Since the last reading, as a fuel gauge averages, with a ripple of 1 %: no current is quite still. */
        private fun meanMilliwatts(mj: Double): Double {
            val seconds = (lastNanos - lastReadNanos) / 1e9
            val mean = if (seconds > 0) (mj - lastMj) / seconds else milliwatts
            lastMj = mj
            lastReadNanos = lastNanos
            return mean * (1 + sin(mj) / 100)
        }

        private fun stepped(value: Double): Long = Math.floorDiv(value.toLong(), step) * step
    }
}

/** Tells [platform] when a model of [engine] runs. */
class MeteredEngine(private val engine: Engine, private val platform: ScriptedPlatform) : Engine {
    override val info: EngineInfo get() = engine.info

    override fun load(model: File, threads: Int): LoadedModel {
        val loaded = engine.load(model, threads)
        return object : LoadedModel by loaded {
            override fun run(input: FloatArray, shape: IntArray): FloatArray {
                platform.working = true
                return try {
                    loaded.run(input, shape)
                } finally {
                    platform.working = false
                }
            }
        }
    }
}

private object SystemClock : Clock {
    override fun nanos(): Long = System.nanoTime()

    override fun sleepMillis(millis: Long) = Thread.sleep(millis)

    override fun utc(): String = utcNow()
}
