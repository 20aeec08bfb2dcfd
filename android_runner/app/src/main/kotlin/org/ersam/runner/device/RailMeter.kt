package org.ersam.runner.device

import android.annotation.TargetApi
import android.content.Context
import android.os.Build
import android.os.OutcomeReceiver
import android.os.PowerMonitor
import android.os.PowerMonitorReadings
import android.os.SystemClock
import android.os.health.SystemHealthManager
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ExecutionException
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import org.ersam.runner.core.EnergyMethod
import org.ersam.runner.core.MeterReading
import org.ersam.runner.core.PowerMeter

/**
 * Power rails measured on the phone's own chips (ODPM), Android 15 and later.
 *
 * Android renews an ordinary app's readings every 20 to 30 s and makes each up to 10 J low
 * (AOSP `PowerStatsService`), so windows must be long and repeated. Only rails that are measured are
 * taken, not those that a model estimates.
 */
@TargetApi(Build.VERSION_CODES.VANILLA_ICE_CREAM)
class RailMeter private constructor(
    private val manager: SystemHealthManager,
    private val rails: List<PowerMonitor>,
) : PowerMeter {
    override val name = "${rails.size} power rails: ${rails.joinToString(", ") { it.name }}"
    override val methods = listOf(EnergyMethod.POWER_RAILS)

    /** Without rails where the system did not answer in time. */
    override fun read(elapsedMs: Long): MeterReading {
        val readings = readings(manager, rails) ?: return MeterReading(elapsedMs)
        val energies = rails.associate { it.name to readings.getConsumedEnergy(it) }
        if (energies.values.any { it == PowerMonitorReadings.ENERGY_UNAVAILABLE.toLong() }) return MeterReading(elapsedMs)
        val ageMs = SystemClock.elapsedRealtime() - rails.maxOf { readings.getTimestampMillis(it) }
        return MeterReading(elapsedMs - ageMs, railsUj = energies)
    }

    companion object {
        /** Null where the phone has no rails that are measured and answer. */
        fun find(context: Context): RailMeter? {
            val manager = context.getSystemService(SystemHealthManager::class.java) ?: return null
            val found = CompletableFuture<List<PowerMonitor>>()
            manager.getSupportedPowerMonitors(Runnable::run, found::complete)
            val measured = answer(found).orEmpty().filter { it.type == PowerMonitor.POWER_MONITOR_TYPE_MEASUREMENT }
            if (measured.isEmpty()) return null
            val readings = readings(manager, measured) ?: return null
            val answering = measured.filter {
                readings.getConsumedEnergy(it) != PowerMonitorReadings.ENERGY_UNAVAILABLE.toLong()
            }
            return if (answering.isEmpty()) null else RailMeter(manager, answering)
        }

        private fun readings(manager: SystemHealthManager, rails: List<PowerMonitor>): PowerMonitorReadings? {
            val found = CompletableFuture<PowerMonitorReadings>()
            val receiver = object : OutcomeReceiver<PowerMonitorReadings, RuntimeException> {
                override fun onResult(result: PowerMonitorReadings) {
                    found.complete(result)
                }

                override fun onError(error: RuntimeException) {
                    found.completeExceptionally(error)
                }
            }
            manager.getPowerMonitorReadings(rails, Runnable::run, receiver)
            return answer(found)
        }

        /** Null where the system refuses or does not answer. */
        private fun <T> answer(future: CompletableFuture<T>): T? = try {
            future.get(TIMEOUT_SECONDS, TimeUnit.SECONDS)
        } catch (_: TimeoutException) {
            null
        } catch (_: ExecutionException) {
            null
        }

        private const val TIMEOUT_SECONDS = 5L
    }
}
