package org.ersam.runner.jvm

import java.io.File
import java.util.Properties
import kotlin.system.exitProcess
import org.ersam.runner.core.JobRunner
import org.ersam.runner.core.RunnerVersion
import org.ersam.runner.core.finishLines
import org.ersam.runner.core.statusLines

/**
 * The runner's job on a JVM, for the test device of `deploy`: same job file, status lines and result.
 *
 * `JvmMain --job FILE --results DIR --device FILE [-- ENGINE COMMAND...]`; without a command the
 * runner is one that holds no engine. Exit code 0 once `INSTRUMENTATION_CODE` was printed, 64 for
 * wrong arguments.
 */
object JvmMain {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val command = arguments.dropWhile { it != "--" }.drop(1)
        val options = arguments.takeWhile { it != "--" }
        val values = options.chunked(2).associate { it[0] to it.getOrNull(1) }
        val (job, results, device) = listOf("--job", "--results", "--device").map { name ->
            values[name] ?: usage("$name: missing")
        }
        (values.keys - setOf("--job", "--results", "--device")).firstOrNull()?.let { usage("$it: unknown") }
        val platform = ScriptedPlatform(readTestDevice(File(device)))
        val engine = if (command.isEmpty()) null else MeteredEngine(ProcessEngine(command), platform)
        val runner = JobRunner(engine, platform, version(), File(results)) { show(statusLines(it)) }
        show(finishLines(runner.run(File(job))))
        exitProcess(0)
    }

    private fun show(lines: String) {
        print(lines)
        System.out.flush()
    }

    private fun version(): RunnerVersion {
        val properties = Properties()
        JvmMain::class.java.getResourceAsStream("/runner.properties").use(properties::load)
        return RunnerVersion(properties.getProperty("version"), properties.getProperty("version.code").toInt())
    }

    private fun usage(problem: String): Nothing {
        System.err.println("$problem\nusage: JvmMain --job FILE --results DIR --device FILE [-- ENGINE COMMAND...]")
        exitProcess(64)
    }
}
