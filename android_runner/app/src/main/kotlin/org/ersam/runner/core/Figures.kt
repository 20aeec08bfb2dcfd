package org.ersam.runner.core

import kotlinx.serialization.Serializable

/** A number, or null with the reason why it could not be had; exactly one of the two is null. */
@Serializable
data class Figure(val value: Double?, val reason: String?) {
    companion object {
        fun of(value: Double): Figure = Figure(value, null)

        fun none(reason: String): Figure = Figure(null, reason)

        /** [value] where it is a finite number, else null with [reason]. */
        fun finite(value: Double?, reason: String): Figure =
            if (value != null && value.isFinite()) of(value) else none(reason)
    }
}

/** A text, or null with the reason why it could not be had. */
@Serializable
data class Text(val value: String?, val reason: String?) {
    companion object {
        fun of(value: String): Text = Text(value, null)

        fun none(reason: String): Text = Text(null, reason)

        /** [value] where it says something, else null with [reason]. */
        fun filled(value: String?, reason: String): Text =
            if (value.isNullOrBlank()) none(reason) else of(value.trim())
    }
}

/** A yes or no, or null with the reason why it could not be had. */
@Serializable
data class Flag(val value: Boolean?, val reason: String?) {
    companion object {
        fun of(value: Boolean): Flag = Flag(value, null)

        fun none(reason: String): Flag = Flag(null, reason)
    }
}
