package org.ersam.runner.device

import android.os.OutcomeReceiver
import android.os.PowerManager
import android.os.PowerMonitor
import android.os.PowerMonitorReadings
import android.os.SystemClock
import android.os.health.SystemHealthManager
import java.util.concurrent.Executor
import java.util.function.Consumer
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.shadows.ShadowPowerManager

/** Robolectric has no thermal headroom of its own; this one is told once a second, as Android documents it. */
@Implements(PowerManager::class)
class HeadroomShadow : ShadowPowerManager() {
    @Implementation(minSdk = 30)
    @Suppress("UNUSED_PARAMETER")
    fun getThermalHeadroom(forecastSeconds: Int): Float {
        val now = SystemClock.elapsedRealtime()
        if (toldAtMs?.let { now - it < 1_000 } == true) return Float.NaN
        toldAtMs = now
        return headroom
    }

    companion object {
        @JvmStatic
        var headroom = 0.25f

        @JvmStatic
        var toldAtMs: Long? = null
    }
}

/** Power monitors as a test sets them; null energies stand for a system that refuses. */
@Implements(value = SystemHealthManager::class, minSdk = 35, isInAndroidSdk = false)
class RailsShadow {
    @Implementation
    fun getSupportedPowerMonitors(executor: Executor?, found: Consumer<List<PowerMonitor>>) {
        val answer = Runnable { found.accept(monitors) }
        if (executor == null) answer.run() else executor.execute(answer)
    }

    @Implementation
    fun getPowerMonitorReadings(
        asked: List<PowerMonitor>,
        executor: Executor?,
        receiver: OutcomeReceiver<PowerMonitorReadings, RuntimeException>,
    ) {
        val now = energiesUj
        val answer = Runnable {
            if (now == null) {
                receiver.onError(IllegalStateException("refused"))
            } else {
                val energies = LongArray(asked.size) { now[asked[it].name] ?: PowerMonitorReadings.ENERGY_UNAVAILABLE.toLong() }
                val times = LongArray(asked.size) { SystemClock.elapsedRealtime() - ageMs }
                receiver.onResult(PowerMonitorReadings(asked.toTypedArray(), energies, times))
            }
        }
        if (executor == null) answer.run() else executor.execute(answer)
    }

    companion object {
        @JvmStatic
        var monitors: List<PowerMonitor> = emptyList()

        @JvmStatic
        var energiesUj: Map<String, Long>? = emptyMap()

        @JvmStatic
        var ageMs = 0L
    }
}
