package org.ersam.runner.core

/** Waits, for a bounded time, until the machine is cool enough for the next repeat. */
class Gate(private val plan: GatePlan, private val platform: Platform, private val elapsedMs: () -> Long) {
    /** Returns as soon as the state is right or the time is over; [onWait] is told what is waited for. */
    fun pass(onWait: (String) -> Unit): GateResult {
        val begin = platform.clock.nanos()
        var waitedFor: String? = null
        while (true) {
            val hot = tooHot(platform.conditions(elapsedMs()))
            val waited = (platform.clock.nanos() - begin) / NANOS_PER_SECOND
            if (hot == null) return GateResult(rounded(waited), false, waitedFor)
            waitedFor = hot
            if (waited >= plan.maxWaitSeconds) return GateResult(rounded(waited), true, hot)
            onWait(hot)
            val left = plan.maxWaitSeconds - waited
            platform.clock.sleepMillis((1e3 * minOf(plan.pollSeconds, left)).toLong().coerceAtLeast(1))
        }
    }

    /** What exceeds its limit, or null; what cannot be read limits nothing. */
    private fun tooHot(now: Conditions): String? {
        val temperature = now.batteryTemperatureC.value
        val headroom = now.thermalHeadroom.value
        return when {
            temperature != null && temperature > plan.maxBatteryTemperatureC ->
                "battery at $temperature C, allowed ${plan.maxBatteryTemperatureC} C"
            headroom != null && headroom > plan.maxThermalHeadroom ->
                "thermal headroom $headroom, allowed ${plan.maxThermalHeadroom} (1 is severe throttling)"
            else -> null
        }
    }
}

internal const val NANOS_PER_SECOND = 1e9
