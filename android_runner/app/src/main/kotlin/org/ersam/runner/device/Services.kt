package org.ersam.runner.device

import android.content.Context

/** A service of the system that every phone has. */
inline fun <reified T : Any> Context.systemService(): T =
    checkNotNull(getSystemService(T::class.java)) { "this phone has no ${T::class.java.simpleName}" }
