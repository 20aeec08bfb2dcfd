package org.ersam.runner.live

import java.io.File
import java.io.OutputStream

/** All that is kept of what was heard: a CSV file of times and levels. */
class LevelLog(private val file: File) {
    /** Add a line; [time] is UTC, ISO 8601. */
    @Synchronized
    fun append(time: String, level: String) {
        val isNew = !file.exists()
        file.parentFile?.mkdirs()
        file.appendText(if (isNew) "$HEADER\n$time,$level\n" else "$time,$level\n")
    }

    /** The last [count] lines, the latest first; none where nothing was heard. */
    @Synchronized
    fun latest(count: Int): List<String> =
        if (file.exists()) file.readLines().drop(1).takeLast(count).reversed() else emptyList()

    @Synchronized
    fun export(stream: OutputStream) {
        stream.write((if (file.exists()) file.readText() else "$HEADER\n").encodeToByteArray())
    }

    @Synchronized
    fun delete() {
        file.delete()
    }

    private companion object {
        const val HEADER = "time_utc,level"
    }
}
