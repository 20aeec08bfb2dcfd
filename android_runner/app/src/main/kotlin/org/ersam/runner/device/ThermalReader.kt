package org.ersam.runner.device

import android.os.Build
import android.os.PowerManager
import org.ersam.runner.core.Figure
import org.ersam.runner.core.Text

/** How hot the phone says it is. */
class ThermalReader(private val manager: PowerManager) {
    fun status(): Text {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return Text.none("told since Android 10 only")
        val status = manager.currentThermalStatus
        return Text.filled(NAMES.getOrNull(status), "unknown thermal status $status")
    }

    /** Forecast for now: 1 is where severe throttling begins. Asked more than about once a second it is not told. */
    fun headroom(): Figure {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R) return Figure.none("told since Android 11 only")
        return Figure.finite(manager.getThermalHeadroom(0).toDouble(), "not supported, or asked too often")
    }

    private companion object {
        /** By `PowerManager.THERMAL_STATUS_*`. */
        val NAMES = listOf("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
    }
}
