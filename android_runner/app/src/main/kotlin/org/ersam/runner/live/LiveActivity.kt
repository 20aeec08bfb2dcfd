package org.ersam.runner.live

import android.Manifest.permission.POST_NOTIFICATIONS
import android.Manifest.permission.RECORD_AUDIO
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.widget.Button
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.TextView
import java.io.IOException
import org.ersam.runner.core.RunnerError

/** The plain screen: choose a model, listen or stop, see the last levels, export or delete them. */
class LiveActivity : Activity() {
    private val handler = Handler(Looper.getMainLooper())
    private lateinit var status: TextView
    private lateinit var levels: TextView
    private lateinit var listen: Button

    /** The chosen model, or why there is none; read when it may have changed, not every second. */
    private var model = ""

    /** Said by the last action of the person, shown until the next. */
    private var note = ""

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        title = "ERSAM runner: live ambiance"
        val column = LinearLayout(this).apply {
            orientation = LinearLayout.VERTICAL
            val space = (MARGIN_DP * resources.displayMetrics.density).toInt()
            setPadding(space, space, space, space)
        }
        status = TextView(this).also(column::addView)
        column.addView(button("Choose manifest.json and model", ::chooseModel))
        listen = button("Listen", ::listenOrStop).also(column::addView)
        column.addView(button("Export the levels", ::chooseExport))
        column.addView(button("Delete the levels", ::deleteLevels))
        levels = TextView(this).also(column::addView)
        setContentView(
            ScrollView(this).apply {
                fitsSystemWindows = true
                addView(column)
            },
        )
    }

    override fun onResume() {
        super.onResume()
        readModel()
        refresh()
    }

    override fun onPause() {
        handler.removeCallbacksAndMessages(null)
        super.onPause()
    }

    private fun button(label: String, action: () -> Unit) = Button(this).apply {
        text = label
        isAllCaps = false
        setOnClickListener {
            note = ""
            action()
            show()
        }
    }

    private fun refresh() {
        show()
        handler.postDelayed(::refresh, REFRESH_MS)
    }

    private fun readModel() {
        model = try {
            LiveService.liveBundle(filesDir).manifest()?.let { "Model: ${it.name}" } ?: "No model chosen yet"
        } catch (error: RunnerError) {
            error.message.orEmpty()
        }
    }

    private fun show() {
        status.text = listOfNotNull(model, LiveService.message, note.ifEmpty { null }).joinToString("\n")
        listen.text = if (LiveService.isListening) "Stop" else "Listen"
        levels.text = LiveService.levelLog(filesDir).latest(SHOWN_LEVELS).joinToString("\n") { it.replace(",", "  ") }
    }

    private fun listenOrStop() {
        val intent = Intent(this, LiveService::class.java)
        if (LiveService.isListening) {
            startService(intent.setAction(LiveService.ACTION_STOP))
        } else if (checkSelfPermission(RECORD_AUDIO) == PackageManager.PERMISSION_GRANTED) {
            startForegroundService(intent)
        } else {
            val wanted = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
                arrayOf(RECORD_AUDIO, POST_NOTIFICATIONS)
            } else {
                arrayOf(RECORD_AUDIO)
            }
            requestPermissions(wanted, ASK_PERMISSION)
        }
    }

    override fun onRequestPermissionsResult(request: Int, permissions: Array<String>, results: IntArray) {
        val allowed = checkSelfPermission(RECORD_AUDIO) == PackageManager.PERMISSION_GRANTED
        if (request != ASK_PERMISSION) return
        if (allowed) listenOrStop() else note = "The microphone was not allowed: nothing is heard"
        show()
    }

    private fun chooseModel() = startActivityForResult(
        Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")
            .putExtra(Intent.EXTRA_ALLOW_MULTIPLE, true),
        CHOOSE_MODEL,
    )

    private fun chooseExport() = startActivityForResult(
        Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("text/csv")
            .putExtra(Intent.EXTRA_TITLE, "ambiance.csv"),
        CHOOSE_EXPORT,
    )

    private fun deleteLevels() {
        LiveService.levelLog(filesDir).delete()
        note = "The levels were deleted"
    }

    @Deprecated("its successor is in androidx, which this screen does without")
    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        if (result != RESULT_OK || data == null) return
        note = try {
            when (request) {
                CHOOSE_MODEL -> "Took ${install(chosen(data))}"
                CHOOSE_EXPORT -> data.data?.let(::export).orEmpty()
                else -> ""
            }
        } catch (error: RunnerError) {
            error.message.orEmpty()
        } catch (error: IOException) {
            "Could not read or write the file: ${error.message}"
        }
        readModel()
        show()
    }

    private fun chosen(data: Intent): List<Uri> =
        data.clipData?.let { clip -> List(clip.itemCount) { clip.getItemAt(it).uri } } ?: listOfNotNull(data.data)

    private fun install(uris: List<Uri>): String {
        val opened = uris.map { uri -> { contentResolver.openInputStream(uri) ?: throw IOException("$uri is gone") } }
        return LiveService.liveBundle(filesDir).install(opened).name
    }

    private fun export(uri: Uri): String {
        val stream = contentResolver.openOutputStream(uri) ?: throw IOException("$uri is gone")
        stream.use(LiveService.levelLog(filesDir)::export)
        return "The levels were exported"
    }

    private companion object {
        const val ASK_PERMISSION = 1
        const val CHOOSE_MODEL = 2
        const val CHOOSE_EXPORT = 3
        const val REFRESH_MS = 1_000L
        const val SHOWN_LEVELS = 20
        const val MARGIN_DP = 16
    }
}
