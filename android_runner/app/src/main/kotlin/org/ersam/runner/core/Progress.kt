package org.ersam.runner.core

import java.util.Locale
import kotlin.concurrent.thread

/** Where status lines go: the instrumentation's, or standard output on a JVM. */
fun interface StatusSink {
    /** Fields in the order in which they are to be shown. */
    fun send(fields: Map<String, String>)
}

/**
 * Tells how far a job is.
 *
 * A thread repeats the last status every [HEARTBEAT_MS], so that whoever listens can tell a long
 * window from a process that was killed.
 */
class Progress(private val sink: StatusSink, private val jobId: String, private val totalSeconds: Double) : AutoCloseable {
    private var doneSeconds = 0.0
    private var last: Map<String, String> = emptyMap()
    private val heartbeat = thread(isDaemon = true, name = "heartbeat") { beat() }

    /** A part of [Schedule] is over. */
    @Synchronized
    fun advance(seconds: Double) {
        doneSeconds += seconds
    }

    /** Send a status; [fields] with null are left out. */
    @Synchronized
    fun tell(event: String, fields: Map<String, Any?>) {
        val fraction = if (totalSeconds > 0) (doneSeconds / totalSeconds).coerceIn(0.0, 1.0) else 0.0
        last = buildMap {
            put("ersam.job_id", jobId)
            put("ersam.event", event)
            fields.forEach { (key, value) -> if (value != null) put("ersam.$key", oneLine(value.toString())) }
            put("ersam.fraction", String.format(Locale.ROOT, "%.4f", fraction))
        }
        sink.send(last)
    }

    @Synchronized
    private fun repeatLast() {
        if (last.isNotEmpty()) sink.send(last)
    }

    private fun beat() {
        try {
            while (true) {
                Thread.sleep(HEARTBEAT_MS)
                repeatLast()
            }
        } catch (_: InterruptedException) {
            return // closed
        }
    }

    override fun close() {
        heartbeat.interrupt()
        heartbeat.join()
    }

    companion object {
        const val HEARTBEAT_MS = 2_000L
        const val STARTED = "started"
        const val MODEL_STARTED = "model_started"
        const val PROGRESS = "progress"
        const val MODEL_FINISHED = "model_finished"
        const val FINISHED = "finished"
    }
}
