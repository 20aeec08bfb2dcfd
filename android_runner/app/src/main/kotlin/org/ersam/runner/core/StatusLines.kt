package org.ersam.runner.core

/** Code of every status line of a running job (`INSTRUMENTATION_STATUS_CODE`). */
const val STATUS_CODE = 1

/** Fields of the last words of a job; what there is none of is left out. */
fun finishFields(finish: Finish): Map<String, String> = buildMap {
    finish.result?.let { put("ersam.result", it.path) }
    finish.error?.let { put("ersam.error", it) }
}

/** A status as `am instrument -r` prints it. */
fun statusLines(fields: Map<String, String>): String =
    lines("INSTRUMENTATION_STATUS", fields) + "INSTRUMENTATION_STATUS_CODE: $STATUS_CODE\n"

/** The end of a job as `am instrument -r` prints it. */
fun finishLines(finish: Finish): String =
    lines("INSTRUMENTATION_RESULT", finishFields(finish)) + "INSTRUMENTATION_CODE: ${finish.code.number}\n"

private fun lines(word: String, fields: Map<String, String>): String =
    fields.entries.joinToString("") { (key, value) -> "$word: $key=$value\n" }
