package org.ersam.runner.core

import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import kotlinx.serialization.SerializationException

/** The result of one job, replaced as a whole each time, so that no reader ever sees a part of one. */
class ResultFile(folder: File, jobId: String) {
    val path: File = File(folder, "$jobId.json")
    private val part = File(folder, ".$jobId.json.part")

    /** @throws RunnerError `no_space`: it could not be written; what was there before is left. */
    fun write(result: JobResult) {
        try {
            path.parentFile?.mkdirs()
            FileOutputStream(part).use { stream ->
                stream.write(KitJson.encodeToString(JobResult.serializer(), result).encodeToByteArray())
                stream.fd.sync()
            }
            if (!part.renameTo(path)) throw IOException("cannot rename $part")
        } catch (error: IOException) {
            part.delete()
            throw RunnerError(ErrorCode.NO_SPACE, "$path: cannot be written (${error.message}); free some space")
        }
    }

    /** The models that an earlier start of the very same job finished; none where the file is another's. */
    fun finishedModels(jobSha256: String): List<ModelResult> {
        if (!path.isFile) return emptyList()
        val earlier = try {
            KitJson.decodeFromString(JobResult.serializer(), path.readText())
        } catch (_: SerializationException) {
            return emptyList() // of an older runner: measured anew
        } catch (_: IOException) {
            return emptyList() // cannot be read: measured anew
        }
        return if (earlier.jobSha256 == jobSha256) earlier.models else emptyList()
    }
}
