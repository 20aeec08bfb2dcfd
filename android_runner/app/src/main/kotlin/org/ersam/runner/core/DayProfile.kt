package org.ersam.runner.core

/** What a duty cycle costs: one clip every N seconds for M minutes, against doing nothing for as long. */
class DayProfile(private val platform: Platform, private val jobClock: JobClock, private val energy: Energy) {
    fun measure(subject: Subject, plan: DayProfilePlan, onPart: (String) -> Unit): DayProfileResult {
        val seconds = plan.minutes * 60
        val meter = platform.meter() ?: return none(plan, 0, "this phone has no meter of energy that an app may read")
        energy.pluggedIn()?.let { return none(plan, 0, it) }
        val (busy, idle) = subject.load(plan.threads).use { model ->
            subject.run(model)
            onPart("day's profile: one clip every ${plan.intervalSeconds} s for ${plan.minutes} minutes")
            val busy = cycle(meter, seconds, plan.intervalSeconds) { subject.run(model) }
            onPart("day's profile: idles for ${plan.minutes} minutes")
            busy to energy.window(meter, seconds, SAMPLE_MS, null)
        }
        val reason = busy.disturbed ?: idle.disturbed
        return if (reason != null) none(plan, busy.runs, reason) else result(plan, meter, busy, idle)
    }

    /** Like [Energy.window], with [clip] at the beginning of every interval and sleep in between. */
    private fun cycle(meter: PowerMeter, seconds: Double, interval: Double, clip: () -> Unit): EnergyWindow {
        val begin = jobClock.elapsedMs()
        val readings = mutableListOf(meter.read(begin))
        var clips = 0
        while (true) {
            val sinceMs = jobClock.elapsedMs() - begin
            if (sinceMs >= seconds * 1e3) break
            val nextClipMs = clips * interval * 1e3
            if (sinceMs >= nextClipMs) {
                clip()
                clips++
            } else {
                platform.clock.sleepMillis(minOf(SAMPLE_MS, (nextClipMs - sinceMs).toLong().coerceAtLeast(1)))
            }
            val now = jobClock.elapsedMs()
            if (now - readings.last().elapsedMs >= SAMPLE_MS) readings += meter.read(now)
        }
        val inside = readings.filter { it.elapsedMs >= begin }
        return EnergyWindow(true, inside, (jobClock.elapsedMs() - begin) / 1e3, clips, energy.pluggedIn())
    }

    private fun result(plan: DayProfilePlan, meter: PowerMeter, busy: EnergyWindow, idle: EnergyWindow): DayProfileResult {
        val tried = meter.methods.map { Triple(it, windowPower(busy.readings, it), windowPower(idle.readings, it)) }
        val chosen = tried.firstOrNull { it.second.milliwatts != null && it.third.milliwatts != null } ?: tried.first()
        val (method, busyPower, idlePower) = chosen
        val mean = figure(busyPower)
        val battery = batteryMwh()
        val added = if (mean.value != null && idlePower.milliwatts != null) {
            Figure.of(rounded(mean.value - idlePower.milliwatts))
        } else {
            Figure.none(mean.reason ?: idlePower.reason.orEmpty())
        }
        val hours = if (mean.value != null && battery.value != null) {
            Figure.of(rounded(battery.value / mean.value))
        } else {
            Figure.none(mean.reason ?: battery.reason.orEmpty())
        }
        return DayProfileResult(
            plan.intervalSeconds, plan.minutes, busy.runs, mean, figure(idlePower), added, hours, battery,
            heldAwake = true, method = method.word,
        )
    }

    private fun figure(power: WindowPower): Figure =
        Figure.finite(power.milliwatts?.let(::rounded), power.reason.orEmpty())

    /** Energy of the full battery: charge left over share left, times the present voltage. */
    private fun batteryMwh(): Figure {
        val now = platform.conditions(jobClock.elapsedMs())
        val charge = platform.batteryChargeUah()
        val percent = now.batteryPercent.value
        val voltage = now.voltageMv.value
        if (charge == null || charge <= 0 || percent == null || percent <= 0 || voltage == null) {
            return Figure.none("the battery does not tell its charge, its level or its voltage")
        }
        chargeUnitProblem(charge, percent)?.let { return Figure.none(it) }
        return Figure.of(rounded(charge / (percent / 100) * voltage * 1e-6))
    }

    private fun none(plan: DayProfilePlan, clips: Int, reason: String): DayProfileResult {
        val figure = Figure.none(reason)
        return DayProfileResult(
            plan.intervalSeconds, plan.minutes, clips, figure, figure, figure, figure, figure,
            heldAwake = true, method = null,
        )
    }

    private companion object {
        const val SAMPLE_MS = 5_000L
    }
}
