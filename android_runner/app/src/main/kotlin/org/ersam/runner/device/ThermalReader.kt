package org.ersam.runner.device

import android.os.Build
import android.os.PowerManager
import android.os.SystemClock
import org.ersam.runner.core.Figure
import org.ersam.runner.core.Text

/** How hot the phone says it is. */
class ThermalReader(private val manager: PowerManager) {
    private var lastHeadroom = Figure.none("not asked yet")
    private var lastHeadroomAtMs = 0L

    fun status(): Text {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return Text.none("told since Android 10 only")
        val status = manager.currentThermalStatus
        return Text.filled(NAMES.getOrNull(status), "unknown thermal status $status")
    }

    /**
     * Forecast for now: 1 is where severe throttling begins.
     *
     * Android tells it about once a second and else answers NaN, also where the last look was a
     * repeat's end and this one is the next repeat's gate. So a value holds for a second.
     */
    fun headroom(): Figure {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R) return Figure.none("told since Android 11 only")
        val now = SystemClock.elapsedRealtime()
        if (lastHeadroom.value == null || now - lastHeadroomAtMs >= HEADROOM_HOLDS_MS) {
            lastHeadroom = Figure.finite(manager.getThermalHeadroom(0).toDouble(), "not supported, or asked too often")
            lastHeadroomAtMs = now
        }
        return lastHeadroom
    }

    private companion object {
        const val HEADROOM_HOLDS_MS = 1_000L

        /** By `PowerManager.THERMAL_STATUS_*`. */
        val NAMES = listOf("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
    }
}
