package org.ersam.runner.jvm

import java.io.File
import kotlinx.serialization.Serializable
import org.ersam.runner.core.DeviceInfo
import org.ersam.runner.core.KitJson

/** A phone as a file describes it: who it is, and what its sensors say. */
@Serializable
data class TestDevice(
    val device: DeviceInfo,
    val battery: Battery,
    val thermalStatus: String,
    val thermalHeadroom: Double?,
    val screenOn: Boolean,
    val powerSave: Boolean,
    val power: Power,
) {
    /** [plugged] is as in [org.ersam.runner.core.Conditions]. */
    @Serializable
    data class Battery(
        val percent: Double,
        val temperatureC: Double,
        val plugged: String,
        val charging: Boolean,
        val voltageMv: Long,
        val capacityUah: Long,
    )

    /**
     * What it draws, while a model runs and while none does.
     *
     * @property meter `none` or an [org.ersam.runner.core.EnergyMethod]'s word.
     * @property step of the meter, in uJ, uAh or uA.
     */
    @Serializable
    data class Power(val meter: String, val idleMw: Double, val activeMw: Double, val step: Long)
}

/** Read a test device; throws [kotlinx.serialization.SerializationException] naming a wrong field. */
fun readTestDevice(file: File): TestDevice = KitJson.decodeFromString(TestDevice.serializer(), file.readText())
