package org.ersam.runner.core

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class CpuFilesTest {
    @get:Rule
    val folder = TemporaryFolder()

    private fun write(path: String, text: String) {
        File(folder.root, path).apply { parentFile.mkdirs() }.writeText(text)
    }

    private fun policy(first: Int, cpus: String, maxKhz: Int) {
        val path = "sys/devices/system/cpu/cpufreq/policy$first"
        write("$path/related_cpus", "$cpus\n")
        write("$path/cpuinfo_max_freq", "$maxKhz\n")
        write("$path/scaling_cur_freq", "${maxKhz / 2}\n")
    }

    @Test
    fun `three kinds of cores, the slowest first`() {
        policy(0, "0 1 2 3", 1_800_000)
        policy(7, "7", 2_900_000)
        policy(4, "4 5 6", 2_400_000)
        write("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "schedutil\n")
        val files = CpuFiles(folder.root)
        val clusters = files.clusters()
        assertEquals(listOf("little", "middle", "big"), clusters.map { it.className })
        assertEquals(listOf(listOf(0, 1, 2, 3), listOf(4, 5, 6), listOf(7)), clusters.map { it.cpus })
        assertEquals(Text.of("schedutil"), clusters[0].governor)
        assertEquals("scaling_governor cannot be read", clusters[1].governor.reason)
        assertEquals(Figure.of(900_000.0), files.currentKhz(clusters)[0])
    }

    @Test
    fun `the scheduler's capacity decides where it is told`() {
        policy(0, "0-3", 2_000_000)
        policy(4, "4-7", 1_900_000)
        write("sys/devices/system/cpu/cpu0/cpu_capacity", "300")
        write("sys/devices/system/cpu/cpu4/cpu_capacity", "1024")
        assertEquals(listOf(listOf(0, 1, 2, 3), listOf(4, 5, 6, 7)), CpuFiles(folder.root).clusters().map { it.cpus })
    }

    @Test
    fun `equal cores are of the only class`() {
        policy(0, "0", 2_000_000)
        policy(1, "1", 2_000_000)
        assertEquals(listOf("only", "only"), CpuFiles(folder.root).clusters().map { it.className })
    }

    @Test
    fun `a phone that tells nothing`() {
        val files = CpuFiles(folder.root)
        assertEquals(emptyList<CpuCluster>(), files.clusters())
        assertEquals(emptyList<Int>(), files.allowedCpus())
        assertEquals(Text.none("/proc/self/cpuset cannot be read"), files.cpuset())
        assertNull(files.currentCpu())
    }

    @Test
    fun `where the process may run and where it ran`() {
        write("proc/self/cpuset", "/foreground\n")
        write("proc/self/status", "Name:\trunner\nCpus_allowed_list:\t0-2,5\n")
        val fields = (3..52).joinToString(" ") { if (it == 39) "6" else "$it" }
        write("proc/thread-self/stat", "123 (a (b) c) $fields\n")
        val files = CpuFiles(folder.root)
        assertEquals(Text.of("/foreground"), files.cpuset())
        assertEquals(listOf(0, 1, 2, 5), files.allowedCpus())
        assertEquals(6, files.currentCpu())
    }

    @Test
    fun `garbage is no list of cores`() {
        assertEquals(emptyList<Int>(), parseCpuList("a-b"))
        assertEquals(emptyList<Int>(), parseCpuList(""))
    }
}
