package org.ersam.runner.core

import java.io.File

/** How a job ended: the finish code, where the result is (null where none could be written), and why it failed. */
data class Finish(val code: FinishCode, val result: File?, val error: String?)

/**
 * Runs a job from its file to its result.
 *
 * @param engine null where the package holds none.
 * @param results folder of the result files.
 */
class JobRunner(
    private val engine: Engine?,
    private val platform: Platform,
    private val version: RunnerVersion,
    private val results: File,
    private val sink: StatusSink,
) {
    /** Never throws: whatever goes wrong is in the answer, and in the result file where there is one. */
    fun run(path: File): Finish {
        val jobFile = try {
            readJob(path)
        } catch (error: RunnerError) {
            return Finish(FinishCode.of(error.code), null, error.message)
        }
        val resultFile = ResultFile(results, jobFile.job.jobId)
        return Progress(sink, jobFile.job.jobId, Schedule(jobFile.job).total).use { progress ->
            progress.tell(Progress.STARTED, mapOf("message" to "job ${jobFile.job.jobId} begins"))
            Attempt(jobFile, resultFile, progress).run().also {
                progress.tell(Progress.FINISHED, mapOf("message" to (it.error ?: "done")))
            }
        }
    }

    /** One start of one job. */
    private inner class Attempt(val jobFile: JobFile, val resultFile: ResultFile, val progress: Progress) {
        private val started = platform.clock.utc()
        private val device = platform.device()
        private val models = resultFile.finishedModels(jobFile.sha256).toMutableList()

        fun run(): Finish = try {
            val engine = check()
            measureAll(engine)
            val failed = models.count { it.status == ModelResult.FAILED }
            if (failed == 0) {
                Finish(FinishCode.ALL_OK, resultFile.path, null)
            } else {
                Finish(FinishCode.SOME_MODELS_FAILED, resultFile.path, "$failed of ${models.size} models failed")
            }
        } catch (error: RunnerError) {
            ended(error)
        } catch (error: Exception) { // a bug or the system: reported, so that the phone need not be asked for its log
            ended(RunnerError(ErrorCode.INTERNAL, "${error.javaClass.simpleName}: ${error.message}"))
        }

        /** What must hold before anything runs. */
        private fun check(): Engine {
            val engine = engine ?: throw RunnerError(
                ErrorCode.NO_ENGINE,
                "this build of the runner holds no engine; build it where executorch-android resolves (docs/android.md)",
            )
            jobFile.job.models.forEach { model ->
                when (model) {
                    is BundleModel -> neededRuntime(model)?.let { checkRuntime(model.key, it, engine.info) }
                    is PieceModel -> checkRuntime(model.key, model.runtimeVersion, engine.info)
                }
            }
            val percent = platform.conditions(0).batteryPercent.value
            val least = jobFile.job.gate.minBatteryPercent
            if (percent != null && percent < least) {
                throw RunnerError(ErrorCode.BATTERY_LOW, "battery at $percent %, the job asks for $least %; charge it first")
            }
            return engine
        }

        /** Null where the bundle is not what the job means, which that model's own result will say. */
        private fun neededRuntime(model: BundleModel): String? = try {
            val manifest = jobFile.resolve(model.manifest)
            checkFile(manifest, model.manifest.sha256)
            readManifest(manifest).runtime.version
        } catch (_: RunnerError) {
            null
        }

        private fun measureAll(engine: Engine) {
            val schedule = Schedule(jobFile.job)
            val jobClock = JobClock(platform.clock)
            val run = ModelRun(jobFile, engine, platform, device.cpuClusters, jobClock, schedule, progress)
            write(engine, null, jobFile.job.models.size == models.size)
            jobFile.job.models.drop(models.size).forEach { model ->
                progress.tell(Progress.MODEL_STARTED, mapOf("model" to model.key, "message" to "begins ${model.key}"))
                models += run.measure(model)
                write(engine, null, jobFile.job.models.size == models.size)
                val last = models.last()
                progress.tell(
                    Progress.MODEL_FINISHED,
                    mapOf(
                        "model" to model.key, "result" to resultFile.path,
                        "message" to (last.error?.message ?: "finished ${models.size} of ${jobFile.job.models.size}"),
                    ),
                )
            }
        }

        private fun ended(error: RunnerError): Finish {
            val written = try {
                write(engine, error, false)
                resultFile.path
            } catch (_: RunnerError) {
                null
            }
            return Finish(FinishCode.of(error.code), written, error.message)
        }

        private fun write(engine: Engine?, error: RunnerError?, complete: Boolean) = resultFile.write(
            JobResult(
                schemaVersion = RESULT_SCHEMA_VERSION,
                jobId = jobFile.job.jobId,
                jobSha256 = jobFile.sha256,
                complete = complete,
                started = started,
                finished = platform.clock.utc(),
                error = error?.let(::ErrorReport),
                runner = version,
                engine = engine?.info,
                device = device,
                models = models,
            ),
        )
    }
}
