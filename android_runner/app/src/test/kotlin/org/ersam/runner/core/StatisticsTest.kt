package org.ersam.runner.core

import java.util.Random
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class StatisticsTest {
    @Test
    fun `percentiles are those of numpy`() {
        val values = listOf(4.0, 1.0, 3.0, 2.0)
        assertEquals(2.5, percentile(values, 50.0), 0.0)
        assertEquals(3.7, percentile(values, 90.0), 1e-12)
        assertEquals(3.97, percentile(values, 99.0), 1e-12)
        assertEquals(7.0, percentile(listOf(7.0), 99.0), 0.0)
    }

    @Test
    fun `for any series a percentile lies within it, grows with its percent and follows scaling`() {
        val random = Random(1)
        repeat(200) {
            val values = List(1 + random.nextInt(50)) { random.nextDouble() * 100 }
            val percents = List(2) { random.nextDouble() * 100 }.sorted()
            val (low, high) = percents.map { percentile(values, it) }
            assertTrue(low <= high && low >= values.min() && high <= values.max())
            assertEquals(3 * low, percentile(values.map { it * 3 }, percents[0]), 1e-9)
            assertEquals(low, percentile(values.shuffled(random), percents[0]), 0.0)
        }
    }

    @Test
    fun `no values have no percentile`() {
        assertThrows(IllegalArgumentException::class.java) { percentile(emptyList(), 50.0) }
    }

    @Test
    fun `drift tells a step and a slow rise from a still series`() {
        assertEquals(1.0, driftRatio(List(30) { 5.0 }), 0.0)
        assertEquals(2.0, driftRatio(List(15) { 5.0 } + List(15) { 10.0 }), 0.0)
        assertTrue(driftRatio(List(30) { 5.0 + it * 0.1 }) > 1.3)
        assertEquals(1.0, driftRatio(listOf(3.0)), 0.0)
    }

    @Test
    fun `a single outlier is no drift`() {
        assertEquals(1.0, driftRatio(List(29) { 5.0 } + 500.0), 0.0)
    }

    @Test
    fun `the interval is that of a textbook`() {
        val interval = meanInterval(listOf(1.0, 2.0, 3.0, 4.0, 5.0)) // s = sqrt(2.5), t(4) = 2.776
        assertEquals(3.0, interval.mean, 1e-12)
        assertEquals(2.776 * Math.sqrt(2.5 / 5), interval.halfWidth, 1e-12)
        assertEquals(3.0 - interval.halfWidth, interval.low, 1e-12)
    }

    @Test
    fun `about 95 of 100 intervals hold the mean they estimate`() {
        val random = Random(2)
        val held = (1..2000).count {
            val interval = meanInterval(List(5) { random.nextGaussian() })
            interval.low <= 0 && interval.high >= 0
        }
        assertEquals(0.95, held / 2000.0, 0.015)
    }

    @Test
    fun `between the table's degrees the wider quantile is taken`() {
        assertEquals(studentT975(10), studentT975(11), 0.0)
        assertEquals(1.98, studentT975(100_000), 0.0)
        assertThrows(IllegalArgumentException::class.java) { studentT975(0) }
        assertThrows(IllegalArgumentException::class.java) { meanInterval(listOf(1.0)) }
    }
}
