package org.ersam.runner

import android.app.Instrumentation
import android.os.Bundle
import android.os.PowerManager
import android.os.Process
import java.io.File
import org.ersam.runner.core.Engine
import org.ersam.runner.core.Finish
import org.ersam.runner.core.FinishCode
import org.ersam.runner.core.JobRunner
import org.ersam.runner.core.Platform
import org.ersam.runner.core.RunnerVersion
import org.ersam.runner.core.STATUS_CODE
import org.ersam.runner.core.finishFields
import org.ersam.runner.device.AndroidPlatform
import org.ersam.runner.device.systemService

/**
 * Runs a job without a screen:
 *
 *     adb shell am instrument -w -r -e job /data/local/tmp/ersam/jobs/ID/job.json \
 *         org.ersam.runner/.JobInstrumentation
 *
 * Progress is told as status lines; the finish code is a [FinishCode]. The processor is kept awake
 * for as long as the job takes.
 */
open class JobInstrumentation : Instrumentation() {
    private var jobPath: String? = null

    override fun onCreate(arguments: Bundle?) {
        super.onCreate(arguments)
        jobPath = arguments?.getString(ARGUMENT_JOB)
        start()
    }

    override fun onStart() {
        // Android gives this thread the priority of drawing; an app's own work has the default.
        Process.setThreadPriority(Process.THREAD_PRIORITY_DEFAULT)
        val finish = run()
        finish(finish.code.number, finishFields(finish).toBundle())
    }

    /** The runtime of this package; null where it holds none. */
    protected open fun engine(): Engine? = packagedEngine()

    protected open fun platform(): Platform = AndroidPlatform(targetContext)

    private fun run(): Finish {
        val path = jobPath ?: return Finish(FinishCode.BAD_JOB, null, "-e $ARGUMENT_JOB: missing, expected the path of a job.json")
        val media = targetContext.externalMediaDirs.firstOrNull()
            ?: return Finish(FinishCode.RESULT_NOT_WRITTEN, null, "this phone has no shared storage now; unlock it once after starting it")
        val wakeLock = targetContext.systemService<PowerManager>()
            .newWakeLock(PowerManager.PARTIAL_WAKE_LOCK, "ersam:job")
        wakeLock.acquire(MAX_JOB_MILLIS)
        return try {
            val runner = JobRunner(engine(), platform(), version(), File(media, "results")) {
                sendStatus(STATUS_CODE, it.toBundle())
            }
            runner.run(File(path))
        } finally {
            if (wakeLock.isHeld) wakeLock.release()
        }
    }

    private fun version(): RunnerVersion {
        val info = targetContext.packageManager.getPackageInfo(targetContext.packageName, 0)
        @Suppress("DEPRECATION") // its successor needs Android 9
        return RunnerVersion(info.versionName ?: "unknown", info.versionCode)
    }

    private fun Map<String, String>.toBundle() = Bundle().also { bundle -> forEach(bundle::putString) }

    private companion object {
        const val ARGUMENT_JOB = "job"
        const val MAX_JOB_MILLIS = 24L * 60 * 60 * 1000
    }
}
