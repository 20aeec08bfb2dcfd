package org.ersam.runner.core

import kotlin.math.abs

/**
 * One window of readings.
 *
 * @property active whether clips ran in it, else the machine idled.
 * @property seconds its length, and [runs] the clips that ran in it.
 * @property disturbed why it says nothing of the model, such as a charger that was plugged in; else null.
 */
class EnergyWindow(
    val active: Boolean,
    val readings: List<MeterReading>,
    val seconds: Double,
    val runs: Int,
    val disturbed: String?,
)

/** Energy of one clip with its 95 % interval in mJ, or null with the reason, and the repeats it comes from. */
class EnergyEstimate(
    val method: EnergyMethod,
    val interval: MeanInterval?,
    val reason: String?,
    val resolutionMj: Double?,
    val repeats: List<EnergyRepeat>,
)

/**
 * Energy per clip above idling.
 *
 * @param windows baseline, active, baseline, active, ..., baseline: each active window is judged
 *   against the mean of its two neighbours, so that a steady drift of the idle power cancels.
 * @param methods to try in turn; the first that gives a value is taken, else the first with its reason.
 */
fun estimateEnergy(windows: List<EnergyWindow>, methods: List<EnergyMethod>): EnergyEstimate {
    require(methods.isNotEmpty()) { "no method of energy" }
    val estimates = methods.map { estimateEnergy(windows, it) }
    return estimates.firstOrNull { it.interval != null } ?: estimates.first().let { first ->
        val reasons = estimates.joinToString("; ") { "${it.method.word}: ${it.reason}" }
        EnergyEstimate(first.method, null, reasons, first.resolutionMj, first.repeats)
    }
}

private fun estimateEnergy(windows: List<EnergyWindow>, method: EnergyMethod): EnergyEstimate {
    val powers = windows.map { windowPower(it.readings, method) }
    val repeats = windows.indices.filter { windows[it].active }.map { i ->
        repeatOf(windows.subList(i - 1, i + 2), powers.subList(i - 1, i + 2))
    }
    val resolution = windows.indices.filter { windows[it].active }.mapNotNull { powers[it].stepMj }.minOrNull()
    val used = repeats.filter { it.used }
    fun none(reason: String) = EnergyEstimate(method, null, reason, resolution, repeats)
    if (used.size < MIN_REPEATS) {
        val why = repeats.firstNotNullOfOrNull { it.reason } ?: "${repeats.size} were asked for"
        return none("${used.size} of ${repeats.size} repeats can be used, needed $MIN_REPEATS: $why")
    }
    val interval = meanInterval(used.map { it.perClipMj!! })
    val netMj = used.map { it.perClipMj!! * it.runs }.average()
    return when {
        resolution != null && netMj < 2 * resolution ->
            none("below the meter's resolution: ${shown(netMj)} mJ above idling, its step is ${shown(resolution)} mJ")
        interval.low <= 0 -> none(
            "not distinguishable from idling: ${shown(interval.mean)} mJ +- ${shown(interval.halfWidth)} mJ a clip;" +
                " more or longer repeats may help",
        )
        else -> EnergyEstimate(method, interval, null, resolution, repeats)
    }
}

/** @param around baseline, active, baseline; [powers] theirs. */
private fun repeatOf(around: List<EnergyWindow>, powers: List<WindowPower>): EnergyRepeat {
    val (before, active, after) = powers.map { it.milliwatts }
    val window = around[1]
    val names = listOf("baseline before", "active", "baseline after")
    var reason = names.indices.firstNotNullOfOrNull { i ->
        (around[i].disturbed ?: powers[i].reason)?.let { "${names[i]}: $it" }
    }
    var perClip: Double? = null
    if (before != null && active != null && after != null && window.runs > 0) {
        val net = active - (before + after) / 2
        perClip = net * window.seconds / window.runs
        if (reason == null && abs(after - before) > abs(net)) {
            reason = "the idle power went from ${shown(before)} to ${shown(after)} mW, more than the model adds"
        }
    }
    return EnergyRepeat(
        runs = window.runs,
        activeSeconds = rounded(window.seconds),
        activeMj = active?.let { rounded(it * window.seconds) },
        baselineBeforeMw = before?.let(::rounded),
        baselineAfterMw = after?.let(::rounded),
        perClipMj = perClip?.let(::rounded),
        used = reason == null && perClip != null,
        reason = reason ?: if (perClip == null) "no clip ran in the window" else null,
    )
}

private fun shown(value: Double): String = "%.3g".format(java.util.Locale.ROOT, value)

/** Fewer repeats give no interval worth the name. */
const val MIN_REPEATS = 3
