package org.ersam.runner.live

import java.io.File
import java.io.OutputStream
import java.io.RandomAccessFile

/**
 * All that is kept of what was heard: a CSV file of times and levels.
 *
 * There must be one of each file, so that its methods exclude each other.
 */
class LevelLog(private val file: File) {
    /** Add a line; [time] is UTC, ISO 8601, and [level] [NOT_HEARD] where there was no sound to decide by. */
    @Synchronized
    fun append(time: String, level: String) {
        val isNew = !file.exists()
        file.parentFile?.mkdirs()
        file.appendText(if (isNew) "$HEADER\n$time,$level\n" else "$time,$level\n")
    }

    /** The last [count] lines, the latest first, as far as they lie in the file's last [TAIL_BYTES]. */
    @Synchronized
    fun latest(count: Int): List<String> {
        if (!file.exists()) return emptyList()
        val tail = RandomAccessFile(file, "r").use {
            val bytes = ByteArray(minOf(it.length(), TAIL_BYTES).toInt())
            it.seek(it.length() - bytes.size)
            it.readFully(bytes)
            bytes.decodeToString()
        }
        // The first line is the header, or was cut.
        return tail.trimEnd('\n').lines().drop(1).takeLast(count).reversed()
    }

    @Synchronized
    fun export(stream: OutputStream) {
        stream.write((if (file.exists()) file.readText() else "$HEADER\n").encodeToByteArray())
    }

    @Synchronized
    fun delete() {
        file.delete()
    }

    companion object {
        const val NOT_HEARD = "not heard"
        private const val HEADER = "time_utc,level"
        private const val TAIL_BYTES = 8_192L
    }
}
