package org.ersam.runner.core

import java.io.File
import java.io.IOException

/**
 * What Linux tells of the cores and of this process's place on them, as far as an app may read it.
 *
 * @param root of the file system; another one in tests.
 */
class CpuFiles(private val root: File = File("/")) {
    /** Groups of cores that share a clock, the slowest first; empty where their speeds are not told. */
    fun clusters(): List<CpuCluster> {
        val policies = policies().mapNotNull { policy -> speed(policy)?.let { policy to it } }.sortedBy { it.second }
        val speeds = policies.map { it.second }.distinct()
        return policies.map { (policy, speed) ->
            CpuCluster(
                cpus = cpusOf(policy),
                className = className(speeds.indexOf(speed), speeds.size),
                maxKhz = khz(policy, "cpuinfo_max_freq"),
                governor = Text.filled(read(File(policy, "scaling_governor")), "scaling_governor cannot be read"),
            )
        }
    }

    /** Present clock of each of [clusters]. */
    fun currentKhz(clusters: List<CpuCluster>): List<Figure> = clusters.map { cluster ->
        val policy = policies().firstOrNull { cpusOf(it) == cluster.cpus }
        if (policy == null) Figure.none("its policy is gone") else khz(policy, "scaling_cur_freq")
    }

    /** The set of cores that the system put this process in, such as `/foreground`. */
    fun cpuset(): Text = Text.filled(read(File(root, "proc/self/cpuset")), "/proc/self/cpuset cannot be read")

    /** Cores that this process may use; empty where it is not told. */
    fun allowedCpus(): List<Int> = read(File(root, "proc/self/status")).orEmpty().lineSequence()
        .firstOrNull { it.startsWith("Cpus_allowed_list:") }
        ?.substringAfter(':')?.let(::parseCpuList).orEmpty()

    /** Core that the calling thread last ran on: field 39 of its stat, see proc(5). */
    fun currentCpu(): Int? = read(File(root, "proc/thread-self/stat"))
        ?.substringAfterLast(')')?.trim()?.split(' ')?.getOrNull(FIELD_PROCESSOR - FIELD_STATE)?.toIntOrNull()

    private fun policies(): List<File> = File(root, "sys/devices/system/cpu/cpufreq")
        .listFiles { file -> file.name.startsWith("policy") }.orEmpty().sortedBy { it.name.length.toString() + it.name }

    private fun cpusOf(policy: File): List<Int> = read(File(policy, "related_cpus"))?.let(::parseCpuList).orEmpty()

    /** The scheduler's capacity of the first core where it is told, else its highest clock. */
    private fun speed(policy: File): Long? {
        val first = cpusOf(policy).firstOrNull() ?: return null
        return read(File(root, "sys/devices/system/cpu/cpu$first/cpu_capacity"))?.toLongOrNull()
            ?: read(File(policy, "cpuinfo_max_freq"))?.toLongOrNull()
    }

    private fun khz(policy: File, name: String): Figure =
        Figure.finite(read(File(policy, name))?.toDoubleOrNull(), "$name cannot be read")

    private fun className(rank: Int, ranks: Int): String = when {
        ranks == 1 -> "only"
        rank == 0 -> "little"
        rank == ranks - 1 -> "big"
        else -> "middle"
    }

    private fun read(file: File): String? = try {
        file.readText().trim().ifEmpty { null }
    } catch (_: IOException) {
        null // not there, or not for apps
    }

    private companion object {
        const val FIELD_STATE = 3
        const val FIELD_PROCESSOR = 39
    }
}

/** Cores of a kernel list such as `0-3,7` or `0 1 2 3`. */
fun parseCpuList(text: String): List<Int> = text.trim().split(',', ' ').filter { it.isNotBlank() }.flatMap { part ->
    val ends = part.split('-').map { it.trim().toIntOrNull() ?: return emptyList() }
    ends.first()..ends.last()
}
