package org.ersam.runner.core

/** Time, so that tests need not wait for it. */
interface Clock {
    /** Monotonic, in ns; the device's sleep counts. */
    fun nanos(): Long

    fun sleepMillis(millis: Long)

    /** UTC, ISO 8601 to the second. */
    fun utc(): String
}

/** What a job needs to know of the machine it runs on. Nothing here throws: what cannot be had is null with a reason. */
interface Platform {
    val clock: Clock

    fun device(): DeviceInfo

    /** [elapsedMs] is copied into the answer. */
    fun conditions(elapsedMs: Long): Conditions

    fun memory(): MemoryReading

    /** The best meter of energy that the machine has, or null. */
    fun meter(): PowerMeter?

    /** Charge left in the battery, in uAh, or null where the battery does not tell. */
    fun batteryChargeUah(): Long?

    /** CPU that the calling thread last ran on, or null where the system does not tell. */
    fun currentCpu(): Int?
}

/** [pssBytes]: the process's proportional set size; [nativeHeapBytes]: allocated by malloc. */
data class MemoryReading(val pssBytes: Figure, val nativeHeapBytes: Figure)

/** A source of energy readings. */
interface PowerMeter {
    /** What it is, for people. */
    val name: String

    /** How its readings may be turned into energy, the best first. */
    val methods: List<EnergyMethod>

    /** One reading; what the meter does not have is null in it. [elapsedMs]: since the job began. */
    fun read(elapsedMs: Long): MeterReading
}

/** How energy was had; [word] stands in the result. */
enum class EnergyMethod(val word: String) {
    POWER_RAILS("power_rails"),
    BATTERY_CHARGE_COUNTER("battery_charge_counter"),
    BATTERY_CURRENT("battery_current"),
}

/**
 * One look at a meter; all is null where it did not answer.
 *
 * @property elapsedMs when the values were true, since the job began: of rails the time that they
 *   carry themselves, which may lie up to 30 s back.
 * @property chargeUah charge left in the battery, in uAh.
 * @property currentUa current of the battery, in uA; its sign differs between phones.
 * @property voltageMv of the battery, logged together with the two.
 * @property railsUj energy of each rail since boot, in uJ; in every reading the same rails.
 * @property batteryPercent charge left as a share of the full battery.
 */
data class MeterReading(
    val elapsedMs: Long,
    val chargeUah: Long? = null,
    val currentUa: Long? = null,
    val voltageMv: Long? = null,
    val railsUj: Map<String, Long>? = null,
    val batteryPercent: Double? = null,
) {
    val saysSomething: Boolean get() = listOf(chargeUah, currentUa, voltageMv, railsUj).any { it != null }
}
