package org.ersam.runner.core

import java.util.Random

/** Takes one model through every pass of its job. */
class ModelRun(
    private val jobFile: JobFile,
    private val engine: Engine,
    private val platform: Platform,
    private val clusters: List<CpuCluster>,
    private val jobClock: JobClock,
    private val schedule: Schedule,
    private val progress: Progress,
) {
    private val job = jobFile.job

    /** What was measured; an error of this model is part of the answer and does not end the job. */
    fun measure(model: JobModel): ModelResult {
        val partial = ModelResult(
            key = model.key,
            kind = if (model is BundleModel) "bundle" else "piece",
            precision = model.precision,
            name = if (model is BundleModel) model.name else model.key,
            modelSha256 = model.model.sha256,
            manifestSha256 = (model as? BundleModel)?.manifest?.sha256,
            status = ModelResult.FAILED,
            error = null, vectors = null, latency = emptyList(), memory = null, energy = null, dayProfile = null,
        )
        return try {
            measure(model, partial)
        } catch (error: RunnerError) {
            partial.copy(error = ErrorReport(error))
        }
    }

    private fun measure(model: JobModel, partial: ModelResult): ModelResult {
        tell(model, "check", "checks the files")
        val file = jobFile.resolve(model.model)
        checkFile(file, model.model.sha256)
        val subject: Subject
        var vectors: VectorsResult? = null
        when (model) {
            is BundleModel -> {
                val (checked, input) = checkAgainstVectors(model)
                vectors = checked
                if (!checked.passed) return partial.copy(error = differing(checked), vectors = checked)
                subject = Subject(engine, file, input, intArrayOf(1, input.size))
            }
            is PieceModel -> subject = Subject(engine, file, noise(model.inputShape), model.inputShape.toIntArray())
        }
        progress.advance(schedule.check)
        val energy = Energy(platform, jobClock)
        return partial.copy(
            status = ModelResult.OK,
            vectors = vectors,
            latency = job.threads.map { latency(model, subject, it) },
            memory = job.memory?.let { memory(model, subject, it) },
            energy = job.energy?.let { plan ->
                energy.measure(subject, plan) { repeat, message ->
                    tell(model, "energy", message, plan.threads, repeat, plan.repeats)
                }.also { progress.advance(schedule.energy) }
            },
            dayProfile = job.dayProfile?.let { plan ->
                DayProfile(platform, jobClock, energy)
                    .measure(subject, plan) { tell(model, "day_profile", it, plan.threads) }
                    .also { progress.advance(schedule.dayProfile) }
            },
        )
    }

    /** The check, and the first vector's input, which the measurements are fed with. */
    private fun checkAgainstVectors(model: BundleModel): Pair<VectorsResult, FloatArray> {
        tell(model, "vectors", "runs the bundle's test vectors")
        for (reference in listOf(model.manifest, model.vectors)) checkFile(jobFile.resolve(reference), reference.sha256)
        val manifest = readManifest(jobFile.resolve(model.manifest))
        val held = PRECISIONS.filter { manifest.precisions[it] != null }
        val tolerance = manifest.precisions[model.precision]?.tolerance
            ?: throw RunnerError(ErrorCode.BAD_BUNDLE, "${model.key}: the bundle holds no ${model.precision} model")
        val vectors = Vectors.read(jobFile.resolve(model.vectors), held.size, manifest.outputs.size)
        val checked = engine.load(jobFile.resolve(model.model), job.threads.first()).use {
            checkVectors(vectors, it, held.indexOf(model.precision), tolerance)
        }
        return checked to vectors.input(0)
    }

    private fun differing(checked: VectorsResult): ErrorReport {
        val difference = checked.maxDifference ?: "an output that is no number"
        return ErrorReport(
            ErrorCode.VECTORS_DIFFER.word,
            "largest difference from the bundle's vectors is $difference, allowed ${checked.tolerance};" +
                " this runtime computes another net than the host's",
        )
    }

    private fun latency(model: JobModel, subject: Subject, threads: Int): LatencyResult {
        val latency = Latency(job.latency, Gate(job.gate, platform, jobClock::elapsedMs), platform, clusters, jobClock)
        var begun = 0
        val result = latency.measure(subject, threads) { repeat, message ->
            if (repeat > begun) progress.advance(schedule.latencyRepeat)
            begun = repeat
            tell(model, "latency", message, threads, repeat, job.latency.repeats)
        }
        progress.advance(schedule.latencyRepeat)
        return result
    }

    private fun memory(model: JobModel, subject: Subject, plan: MemoryPlan): MemoryResult {
        tell(model, "memory", "looks at memory")
        return measureMemory(subject, platform, job.threads.first(), plan).also { progress.advance(schedule.memory) }
    }

    private fun tell(
        model: JobModel,
        phase: String,
        message: String,
        threads: Int? = null,
        repeat: Int? = null,
        repeats: Int? = null,
    ) {
        progress.tell(
            Progress.PROGRESS,
            mapOf(
                "model" to model.key, "phase" to phase, "threads" to threads,
                "repeat" to repeat, "repeats" to repeats, "message" to message,
            ),
        )
    }

    /** 0.1 of standard normal, the same every time: speed does not depend on it, yet zeros could be a special case. */
    private fun noise(shape: List<Int>): FloatArray {
        val random = Random(0)
        return FloatArray(shape.reduce(Int::times)) { 0.1f * random.nextGaussian().toFloat() }
    }
}
