package org.ersam.runner.live

import android.Manifest.permission.RECORD_AUDIO
import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.app.Service
import android.content.Intent
import android.content.pm.PackageManager
import android.content.pm.ServiceInfo
import android.os.Build
import android.os.IBinder
import java.io.File
import java.io.IOException
import java.util.concurrent.ConcurrentHashMap
import kotlin.concurrent.thread
import org.ersam.runner.core.Engine
import org.ersam.runner.core.RunnerError
import org.ersam.runner.device.systemService
import org.ersam.runner.packagedEngine

/**
 * Listens under a notification, where the person allowed one, and writes down time and level of
 * every window.
 *
 * Begun and ended by the screen ([LiveActivity]) or ended by the notification; never begun by itself.
 */
open class LiveService : Service() {
    private var listener: Thread? = null

    @Volatile
    private var stopped = false

    @Volatile
    private var source: SoundSource? = null

    override fun onBind(intent: Intent?): IBinder? = null

    override fun onStartCommand(intent: Intent?, flags: Int, startId: Int): Int {
        when {
            intent?.action == ACTION_STOP -> end("stopped")
            checkSelfPermission(RECORD_AUDIO) != PackageManager.PERMISSION_GRANTED ->
                end("not listening: the microphone was not allowed")
            listener == null -> begin()
        }
        return START_NOT_STICKY
    }

    override fun onDestroy() {
        stopped = true
        source?.stop()
        listener?.join()
        isListening = false
        super.onDestroy()
    }

    /** The runtime of this package; null where it holds none. */
    protected open fun engine(): Engine? = packagedEngine()

    protected open fun microphone(): SoundSource = Microphone()

    private fun begin() {
        show()
        isListening = true
        message = "listening"
        listener = thread(name = "listener") {
            val said = try {
                listen()
            } catch (error: RunnerError) {
                "not listening: ${error.message}"
            } catch (error: IOException) {
                "not listening: ${error.message}"
            }
            if (!stopped) end(said)
        }
    }

    /** Until the sound ends or the service does; returns why it ended. */
    private fun listen(): String {
        val bundle = liveBundle(filesDir)
        val manifest = bundle.manifest() ?: return "not listening: choose a model first"
        val engine = engine() ?: return "not listening: this build of the runner holds no engine"
        bundle.checkAgainst(engine.info, manifest)
        engine.load(bundle.model, THREADS).use { model ->
            microphone().use { microphone ->
                source = microphone
                Listening(manifest, model, microphone, levelLog(filesDir)).run { stopped }
                source = null
            }
        }
        return "stopped"
    }

    private fun end(said: String) {
        message = said
        isListening = false
        stopForeground(STOP_FOREGROUND_REMOVE)
        stopSelf()
    }

    private fun show() {
        val channel = NotificationChannel(CHANNEL, "Live ambiance", NotificationManager.IMPORTANCE_LOW)
        systemService<NotificationManager>().createNotificationChannel(channel)
        val stop = PendingIntent.getService(
            this, 0, Intent(this, javaClass).setAction(ACTION_STOP), PendingIntent.FLAG_IMMUTABLE,
        )
        val open = PendingIntent.getActivity(this, 0, Intent(this, LiveActivity::class.java), PendingIntent.FLAG_IMMUTABLE)
        val notification = Notification.Builder(this, CHANNEL)
            .setSmallIcon(android.R.drawable.ic_btn_speak_now)
            .setContentTitle("Listening to the ambiance")
            .setContentText("Keeps time and level only, no sound")
            .setContentIntent(open)
            .setOngoing(true)
            .addAction(Notification.Action.Builder(null, "Stop", stop).build())
            .build()
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            startForeground(NOTIFICATION, notification, ServiceInfo.FOREGROUND_SERVICE_TYPE_MICROPHONE)
        } else {
            startForeground(NOTIFICATION, notification)
        }
    }

    companion object {
        const val ACTION_STOP = "org.ersam.runner.STOP"
        const val NOTIFICATION = 1
        private const val CHANNEL = "live"
        private const val THREADS = 1

        /** What the screen shows. */
        @Volatile
        var message: String = "not listening"
            private set

        @Volatile
        var isListening: Boolean = false
            private set

        fun liveBundle(files: File): LiveBundle = LiveBundle(File(files, "live"))

        private val logs = ConcurrentHashMap<File, LevelLog>()

        /** The same for the screen and the listener, so that neither writes while the other does. */
        fun levelLog(files: File): LevelLog = logs.computeIfAbsent(File(files, "levels.csv"), ::LevelLog)
    }
}
