package org.ersam.runner.live

import java.io.File
import java.io.InputStream
import org.ersam.runner.core.EngineInfo
import org.ersam.runner.core.ErrorCode
import org.ersam.runner.core.Manifest
import org.ersam.runner.core.RunnerError
import org.ersam.runner.core.checkRuntime
import org.ersam.runner.core.readManifest
import org.ersam.runner.core.sha256

/** The model that listens: a manifest and its model file, kept in the app's own [folder]. */
class LiveBundle(private val folder: File) {
    val model: File = File(folder, "model.pte")
    private val manifestFile = File(folder, "manifest.json")

    /** Null where none was chosen yet. */
    fun manifest(): Manifest? = if (manifestFile.exists() && model.exists()) readManifest(manifestFile) else null

    /**
     * Keep a manifest and a model of its bundle, whichever of [files] they are.
     *
     * @throws RunnerError `bad_bundle`: they do not belong together, or the bundle does not count people.
     */
    fun install(files: List<() -> InputStream>): Manifest {
        folder.mkdirs()
        val copies = files.mapIndexed { i, open ->
            File(folder, "chosen-$i").also { copy -> open().use { from -> copy.outputStream().use(from::copyTo) } }
        }
        try {
            val chosenManifest = copies.firstOrNull { it.isManifest() }
                ?: throw RunnerError(ErrorCode.BAD_BUNDLE, "none of the ${files.size} files is a bundle's manifest.json")
            val manifest = readManifest(chosenManifest).also { it.ambianceLevels() }
            val models = manifest.precisions.values.mapNotNull { it?.file }.mapNotNull { manifest.files[it]?.sha256 }
            val chosenModel = copies.firstOrNull { sha256(it) in models }
                ?: throw RunnerError(ErrorCode.BAD_BUNDLE, "none of the ${files.size} files is a model of ${manifest.name}")
            manifestFile.delete() // a half-changed pair must not look whole
            chosenModel.renameTo(model)
            chosenManifest.renameTo(manifestFile)
            return manifest
        } finally {
            copies.forEach { it.delete() }
        }
    }

    /** @throws RunnerError `old_runtime`. */
    fun checkAgainst(engine: EngineInfo, manifest: Manifest) = checkRuntime(manifest.name, manifest.runtime.version, engine)

    /** JSON begins with a brace; a model does not. */
    private fun File.isManifest(): Boolean = inputStream().use { it.read() } == '{'.code
}
