package org.ersam.runner.core

/** How a job ended, as the instrumentation's finish code (`INSTRUMENTATION_CODE`). */
enum class FinishCode(val number: Int) {
    /** Every model was measured. Android's own code for success. */
    ALL_OK(-1),
    SOME_MODELS_FAILED(1),
    BAD_JOB(2),
    NO_ENGINE(3),
    OLD_RUNTIME(4),
    BATTERY_LOW(5),
    RESULT_NOT_WRITTEN(6),
    INTERNAL(7),
    ;

    companion object {
        /** The code of an error that ended the whole job. */
        fun of(code: ErrorCode): FinishCode = when (code) {
            ErrorCode.BAD_JOB -> BAD_JOB
            ErrorCode.NO_ENGINE -> NO_ENGINE
            ErrorCode.OLD_RUNTIME -> OLD_RUNTIME
            ErrorCode.BATTERY_LOW -> BATTERY_LOW
            ErrorCode.NO_SPACE -> RESULT_NOT_WRITTEN
            else -> INTERNAL
        }
    }
}
