package org.ersam.runner.core

/** `1.4.0` (also `1.4.0+cpu`) as numbers, or null where it is no such version. */
fun versionNumbers(version: String): List<Int>? {
    val numbers = version.substringBefore('+').split('.').map { it.toIntOrNull() }
    return if (numbers.any { it == null }) null else numbers.filterNotNull()
}

/** Whether a runtime of version [runtime] reads what was lowered for [needed]: its own version or a later one. */
fun runtimeReads(runtime: String, needed: String): Boolean {
    val have = versionNumbers(runtime) ?: return false
    val want = versionNumbers(needed) ?: return false
    for (i in 0 until maxOf(have.size, want.size)) {
        val difference = have.getOrElse(i) { 0 } - want.getOrElse(i) { 0 }
        if (difference != 0) return difference > 0
    }
    return true
}
