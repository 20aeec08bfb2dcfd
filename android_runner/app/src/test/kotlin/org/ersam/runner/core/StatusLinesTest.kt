package org.ersam.runner.core

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class StatusLinesTest {
    @Test
    fun `lines are those of am instrument -r`() {
        assertEquals(
            "INSTRUMENTATION_STATUS: ersam.event=started\nINSTRUMENTATION_STATUS_CODE: 1\n",
            statusLines(mapOf("ersam.event" to "started")),
        )
        assertEquals(
            "INSTRUMENTATION_RESULT: ersam.result=/r.json\nINSTRUMENTATION_RESULT: ersam.error=one\nINSTRUMENTATION_CODE: 1\n",
            finishLines(Finish(FinishCode.SOME_MODELS_FAILED, File("/r.json"), "one")),
        )
        assertEquals("INSTRUMENTATION_CODE: -1\n", finishLines(Finish(FinishCode.ALL_OK, null, null)))
    }

    @Test
    fun `every job-wide error has a finish code of its own`() {
        val codes = listOf(
            ErrorCode.BAD_JOB, ErrorCode.NO_ENGINE, ErrorCode.OLD_RUNTIME, ErrorCode.BATTERY_LOW, ErrorCode.NO_SPACE, ErrorCode.INTERNAL,
        ).map { FinishCode.of(it).number }
        assertEquals(listOf(2, 3, 4, 5, 6, 7), codes)
    }

    @Test
    fun `messages of several lines become one`() {
        val sent = mutableListOf<Map<String, String>>()
        Progress({ sent += it }, "j", 10.0).use { progress ->
            progress.tell("progress", mapOf("message" to "first\n  second\r\n", "threads" to null))
            progress.advance(20.0)
            progress.tell("progress", emptyMap())
        }
        assertEquals("first; second", sent[0]["ersam.message"])
        assertTrue("ersam.threads" !in sent[0])
        assertEquals(listOf("0.0000", "1.0000"), sent.map { it["ersam.fraction"] })
    }

    @Test
    fun `the last status is repeated while nothing happens`() {
        val sent = mutableListOf<Map<String, String>>()
        Progress({ sent += it }, "j", 10.0).use { progress ->
            progress.tell("progress", mapOf("message" to "waits"))
            Thread.sleep(Progress.HEARTBEAT_MS + 500)
        }
        assertEquals(2, sent.size)
        assertEquals(sent[0], sent[1])
    }
}
