package org.ersam.runner.live

import org.ersam.runner.core.LoadedModel
import org.ersam.runner.core.Manifest
import org.ersam.runner.core.utcNow

/** Classifies one window after the other. A window is overwritten by the next: nothing of the sound is kept. */
class Listening(
    manifest: Manifest,
    private val model: LoadedModel,
    private val source: SoundSource,
    private val log: LevelLog,
    private val now: () -> String = ::utcNow,
) {
    private val window = FloatArray(manifest.clipSamples)
    private val shape = intArrayOf(1, manifest.clipSamples)
    private val levels = manifest.ambianceLevels()

    /** Until [stopped] or the sound ends; the time of a window is that of its end. */
    fun run(stopped: () -> Boolean) {
        while (!stopped() && source.read(window)) log.append(now(), level())
        window.fill(0f)
    }

    /** Of silence that Android put in the place of sound no level is guessed. */
    private fun level(): String = if (source.silenced) LevelLog.NOT_HEARD else levels.decide(model.run(window, shape))
}
