package org.ersam.runner.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class VersionTest {
    @Test
    fun `a runtime reads its own version and earlier ones`() {
        assertTrue(runtimeReads("1.4.1", "1.4.1"))
        assertTrue(runtimeReads("1.10.0", "1.9.3"))
        assertTrue(runtimeReads("1.4.0+cpu", "1.4"))
        assertFalse(runtimeReads("1.4.0", "1.4.1"))
        assertFalse(runtimeReads("unknown", "1.4.1"))
    }

    @Test
    fun `what is no version is null`() {
        assertEquals(listOf(1, 4, 1), versionNumbers("1.4.1"))
        assertNull(versionNumbers("1.4.x"))
    }
}
