package org.ersam.runner.core

/** Measures the energy of a clip: windows of work between windows of idling with the model loaded. */
class Energy(private val platform: Platform, private val jobClock: JobClock) {
    /** @param onWindow told the repeat and what begins. */
    fun measure(subject: Subject, plan: EnergyPlan, onWindow: (Int, String) -> Unit): EnergyResult {
        val meter = platform.meter() ?: return none(plan, "this phone has no meter of energy that an app may read")
        pluggedIn()?.let { return none(plan, it) }
        val windows = subject.load(plan.threads).use { model ->
            subject.run(model)
            val windows = mutableListOf(idle(meter, plan, 0, onWindow))
            for (repeat in 0 until plan.repeats) {
                onWindow(repeat, "measures energy: runs for ${plan.activeSeconds} s")
                windows += window(meter, plan.activeSeconds, plan.sampleIntervalMs) { subject.run(model) }
                windows += idle(meter, plan, repeat + 1, onWindow)
            }
            windows
        }
        val estimate = estimateEnergy(windows, meter.methods)
        return EnergyResult(
            valueMj = estimate.interval?.let { rounded(it.mean) },
            lowMj = estimate.interval?.let { rounded(it.low) },
            highMj = estimate.interval?.let { rounded(it.high) },
            reason = estimate.reason,
            method = estimate.method.word,
            meter = meter.name,
            resolutionMj = estimate.resolutionMj?.let(::rounded),
            threads = plan.threads,
            repeats = estimate.repeats,
            readings = windows.mapIndexed { i, window -> readingsOf(window, i / 2) },
        )
    }

    private fun idle(meter: PowerMeter, plan: EnergyPlan, repeat: Int, onWindow: (Int, String) -> Unit): EnergyWindow {
        onWindow(minOf(repeat, plan.repeats - 1), "measures energy: idles for ${plan.baselineSeconds} s")
        return window(meter, plan.baselineSeconds, plan.sampleIntervalMs, null)
    }

    /** Reads the meter for [seconds] every [intervalMs], while [work] is done again and again, or nothing for null. */
    fun window(meter: PowerMeter, seconds: Double, intervalMs: Long, work: (() -> Unit)?): EnergyWindow {
        val begin = jobClock.elapsedMs()
        val readings = mutableListOf(meter.read(begin))
        var runs = 0
        var now = begin
        var lastRead = begin
        while (now - begin < seconds * 1e3) {
            if (work != null) {
                work()
                runs++
            } else {
                platform.clock.sleepMillis(intervalMs)
            }
            now = jobClock.elapsedMs()
            if (now - lastRead >= intervalMs) {
                readings += meter.read(now)
                lastRead = now
            }
        }
        val inside = readings.filter { it.elapsedMs >= begin }.distinct()
        return EnergyWindow(work != null, inside, (now - begin) / 1e3, runs, pluggedIn())
    }

    private fun readingsOf(window: EnergyWindow, repeat: Int): Readings {
        val readings = window.readings.filter { it.saysSomething }
        return Readings(
            phase = if (window.active) "active" else "baseline",
            repeat = repeat,
            elapsedMs = readings.map { it.elapsedMs },
            chargeUah = readings.series { it.chargeUah },
            currentUa = readings.series { it.currentUa },
            voltageMv = readings.series { it.voltageMv },
            railsUj = readings.firstOrNull()?.railsUj?.keys?.associateWith { rail ->
                readings.map { it.railsUj.orEmpty().getValue(rail) }
            },
        )
    }

    /** Why no reading now would be one of energy, or null. */
    fun pluggedIn(): String? {
        val now = platform.conditions(jobClock.elapsedMs())
        return when {
            now.plugged != "none" -> "the phone is plugged in (${now.plugged}); unplug it and connect over Wi-Fi"
            now.charging.value == true -> "the phone is charging; take it off the charger and connect over Wi-Fi"
            else -> null
        }
    }

    private fun none(plan: EnergyPlan, reason: String) =
        EnergyResult(null, null, null, reason, null, null, null, plan.threads, emptyList(), emptyList())
}

/** One value per reading, or null where any lacks it. */
private fun List<MeterReading>.series(value: (MeterReading) -> Long?): List<Long>? =
    mapNotNull(value).takeIf { it.size == size && it.isNotEmpty() }
