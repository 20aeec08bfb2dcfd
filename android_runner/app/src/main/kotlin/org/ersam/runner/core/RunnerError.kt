package org.ersam.runner.core

/** What went wrong, as a word that programs read; each goes with one line for people. */
enum class ErrorCode(val word: String) {
    BAD_JOB("bad_job"),
    NO_ENGINE("no_engine"),
    OLD_RUNTIME("old_runtime"),
    BATTERY_LOW("battery_low"),
    NO_SPACE("no_space"),
    INTERNAL("internal"),
    BAD_BUNDLE("bad_bundle"),
    BUNDLE_CHANGED("bundle_changed"),
    VECTORS_DIFFER("vectors_differ"),
    ENGINE_FAILED("engine_failed"),
}

/** An error that a person can mend; [message] is one line: what, the value got, the mend. */
class RunnerError(val code: ErrorCode, message: String) : Exception(oneLine(message))

/** [text] without line breaks, so that it fits a status line. */
fun oneLine(text: String): String = text.trim().replace(Regex("\\s*[\\r\\n]+\\s*"), "; ")
