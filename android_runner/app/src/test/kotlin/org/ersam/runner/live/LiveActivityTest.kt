package org.ersam.runner.live

import android.Manifest.permission.RECORD_AUDIO
import android.app.Activity
import android.app.Application
import android.content.ClipData
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.net.Uri
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import java.io.ByteArrayOutputStream
import java.io.File
import java.util.concurrent.TimeUnit
import org.ersam.runner.core.writeBundle
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class LiveActivityTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val app: Application = RuntimeEnvironment.getApplication()
    private val activity by lazy { Robolectric.buildActivity(LiveActivity::class.java).setup().get() }

    private fun views(root: View = activity.window.decorView): List<View> =
        listOf(root) + if (root is ViewGroup) (0 until root.childCount).flatMap { views(root.getChildAt(it)) } else emptyList()

    private fun text(): String = views().filterIsInstance<TextView>().filter { it !is Button }.joinToString("\n") { it.text }

    private fun press(label: String) = views().filterIsInstance<Button>().first { it.text == label }.performClick()

    @Suppress("DEPRECATION")
    private fun answer(data: Intent) {
        val asked = shadowOf(activity).nextStartedActivityForResult
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, data)
    }

    private fun choose(vararg paths: String) {
        press("Choose manifest.json and model")
        val uris = paths.map { Uri.parse("content://files/$it") }
        paths.forEachIndexed { i, path ->
            shadowOf(app.contentResolver).registerInputStreamSupplier(uris[i]) { File(folder.root, path).inputStream() }
        }
        val clip = ClipData.newRawUri("files", uris[0])
        uris.drop(1).forEach { clip.addItem(ClipData.Item(it)) }
        answer(Intent().apply { clipData = clip })
    }

    @Test
    fun `nothing is heard before a person asks, and the microphone is asked for first`() {
        assertTrue(text(), "No model chosen yet" in text())
        assertNull(shadowOf(app).nextStartedService)
        press("Listen")
        assertNull(shadowOf(app).nextStartedService)
        assertEquals(RECORD_AUDIO, shadowOf(activity).lastRequestedPermission.requestedPermissions[0])
        activity.onRequestPermissionsResult(1, arrayOf(RECORD_AUDIO), intArrayOf(-1))
        assertTrue(text(), "The microphone was not allowed" in text())
        shadowOf(app).grantPermissions(RECORD_AUDIO)
        press("Listen")
        assertEquals(LiveService::class.java.name, shadowOf(app).nextStartedService.component!!.className)
    }

    @Test
    fun `a chosen model is shown, a wrong choice is explained`() {
        val entry = writeBundle(folder.root, "net-1", floatArrayOf(0.5f, 0.5f))
        choose(entry.model.path)
        assertTrue(text(), "none of the 1 files is a bundle's manifest.json" in text())
        choose(entry.manifest.path, entry.model.path)
        assertTrue(text(), "Model: net-1" in text() && "Took net-1" in text())
    }

    @Test
    fun `the manifest is not read each second`() {
        val entry = writeBundle(folder.root, "net-1", floatArrayOf(0.5f, 0.5f))
        choose(entry.manifest.path, entry.model.path)
        File(app.filesDir, "live/manifest.json").writeText("not read again")
        shadowOf(Looper.getMainLooper()).idleFor(3, TimeUnit.SECONDS)
        assertTrue(text(), "Model: net-1" in text())
    }

    @Test
    fun `levels are shown, exported and deleted`() {
        LiveService.levelLog(app.filesDir).append("2026-11-21T12:00:00Z", "some")
        assertTrue(text(), "2026-11-21T12:00:00Z  some" in text())
        press("Export the levels")
        val exported = ByteArrayOutputStream()
        val uri = Uri.parse("content://files/out.csv")
        shadowOf(app.contentResolver).registerOutputStream(uri, exported)
        answer(Intent().setData(uri))
        assertEquals("time_utc,level\n2026-11-21T12:00:00Z,some\n", exported.toString())
        press("Delete the levels")
        assertTrue(text(), "The levels were deleted" in text())
        assertEquals(emptyList<String>(), LiveService.levelLog(app.filesDir).latest(1))
    }

    /** The picture lies in target/screen.png. */
    @Test
    @GraphicsMode(GraphicsMode.Mode.NATIVE)
    @Config(qualifiers = "w360dp-h640dp-xhdpi")
    fun `the screen can be drawn, and every label fits`() {
        LiveService.levelLog(app.filesDir).append("2026-11-21T12:00:05Z", "some")
        LiveService.levelLog(app.filesDir).append("2026-11-21T12:00:10Z", "active")
        val view = activity.window.decorView
        val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(bitmap))
        val target = File(System.getProperty("runner.home"), "target").apply { mkdirs() }
        File(target, "screen.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
        val colours = (0 until bitmap.width step 7).flatMap { x -> (0 until bitmap.height step 7).map { y -> bitmap.getPixel(x, y) } }
        assertTrue("something is drawn", colours.toSet().size > 5 && colours.any { it != Color.TRANSPARENT })
        views().filterIsInstance<TextView>().filter { it.text.isNotEmpty() }.forEach { label ->
            val layout = label.layout
            assertTrue("${label.text}", (0 until layout.lineCount).all { layout.getLineWidth(it) <= label.width })
        }
    }
}
