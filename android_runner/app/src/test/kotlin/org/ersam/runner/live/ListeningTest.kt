package org.ersam.runner.live

import java.io.ByteArrayOutputStream
import java.io.File
import java.io.RandomAccessFile
import org.ersam.runner.core.AmbianceLevels
import org.ersam.runner.core.FakeClock
import org.ersam.runner.core.FakeEngine
import org.ersam.runner.core.RunnerError
import org.ersam.runner.core.readManifest
import org.ersam.runner.core.writeBundle
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** Sound that a test gives, window by window. */
class FakeSound(private val windows: List<Float>) : SoundSource {
    private var next = 0
    var closed = false
    var last: FloatArray? = null
    override val silenced = false

    override fun read(window: FloatArray): Boolean {
        last = window
        if (next == windows.size) return false
        window.fill(windows[next++])
        return true
    }

    override fun stop() = Unit

    override fun close() {
        closed = true
    }
}

class ListeningTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val csv by lazy { File(folder.root, "levels.csv") }
    private val log by lazy { LevelLog(csv) }

    private fun manifest() =
        readManifest(File(folder.root, writeBundle(folder.root, "net", floatArrayOf(0.5f, 0.5f)).manifest.path))

    @Test
    fun `the level has the largest summed probability`() {
        val levels = AmbianceLevels(listOf(1, 2, 5), listOf("none", "one", "some", "active"))
        assertEquals("none", levels.decide(floatArrayOf(0.9f, 0.1f, 0f, 0f, 0f, 0f)))
        assertEquals("some", levels.decide(floatArrayOf(0f, 0.4f, 0.2f, 0.2f, 0.2f, 0f)))
        assertEquals("active", levels.decide(floatArrayOf(0f, 0f, 0f, 0f, 0f, 0.5f, 0.5f)))
        assertThrows(IllegalArgumentException::class.java) { AmbianceLevels(listOf(1), listOf("none")) }
    }

    @Test
    fun `every window becomes a time and a level, and the sound is wiped`() {
        val sound = FakeSound(listOf(0f, 0.5f))
        val model = FakeEngine(FakeClock()) { if (it[0] == 0f) floatArrayOf(1f, 0f) else floatArrayOf(0f, 1f) }.load(csv, 1)
        Listening(manifest(), model, sound, log) { "2026-11-21T12:00:00Z" }.run { false }
        assertEquals(
            "time_utc,level\n2026-11-21T12:00:00Z,none\n2026-11-21T12:00:00Z,some\n",
            csv.readText(),
        )
        assertTrue(sound.last!!.all { it == 0f })
        assertEquals(4, sound.last!!.size)
    }

    @Test
    fun `levels are shown the latest first, exported and deleted`() {
        repeat(3) { log.append("t$it", "one") }
        assertEquals(listOf("t2,one", "t1,one"), log.latest(2))
        val exported = ByteArrayOutputStream().also(log::export)
        assertEquals(csv.readText(), exported.toString())
        log.delete()
        assertFalse(csv.exists())
        assertEquals(emptyList<String>(), log.latest(5))
        assertEquals("time_utc,level\n", ByteArrayOutputStream().also(log::export).toString())
    }

    /** A file of 8 GB that takes no space on the disk, and would not fit into memory. */
    @Test
    fun `only the end of a long file is read`() {
        RandomAccessFile(csv, "rw").use { it.setLength(1L shl 33) }
        csv.appendText("\n")
        repeat(3) { log.append("t$it", "one") }
        assertEquals(listOf("t2,one", "t1,one", "t0,one"), log.latest(3))
    }

    @Test
    fun `a file of any length shows its last lines`() {
        for (count in 1..400) {
            log.append("2026-11-21T12:00:00Z", "level $count")
            val expected = (count downTo maxOf(1, count - 19)).map { "2026-11-21T12:00:00Z,level $it" }
            assertEquals(expected, log.latest(20))
        }
    }

    @Test
    fun `a manifest and its model are kept, in whichever order they were chosen`() {
        val entry = writeBundle(folder.root, "net", floatArrayOf(0.5f, 0.5f))
        fun file(path: String) = { File(folder.root, path).inputStream() }
        val bundle = LiveBundle(folder.newFolder("live"))
        assertNull(bundle.manifest())
        assertEquals("net", bundle.install(listOf(file(entry.model.path), file(entry.manifest.path))).name)
        assertEquals("net", bundle.manifest()!!.name)
        assertEquals("model of net", bundle.model.readText())
        assertEquals(setOf("model.pte", "manifest.json"), bundle.model.parentFile!!.list()!!.toSet())
    }

    @Test
    fun `files that do not belong together are refused and change nothing`() {
        val entry = writeBundle(folder.root, "net", floatArrayOf(0.5f, 0.5f))
        val other = writeBundle(folder.root, "other", floatArrayOf(0.5f, 0.5f))
        fun file(path: String) = { File(folder.root, path).inputStream() }
        val bundle = LiveBundle(folder.newFolder("live"))
        bundle.install(listOf(file(entry.model.path), file(entry.manifest.path)))
        fun refusal(vararg paths: String) =
            assertThrows(RunnerError::class.java) { bundle.install(paths.map(::file)) }.message
        assertEquals("none of the 1 files is a bundle's manifest.json", refusal(entry.model.path))
        assertEquals("none of the 2 files is a model of other", refusal(entry.model.path, other.manifest.path))
        val embedding = writeBundle(folder.root, "embedding", floatArrayOf(0.5f, 0.5f), levels = false)
        assertEquals(
            "embedding: has no levels, for it does not count people; choose one that does",
            refusal(embedding.model.path, embedding.manifest.path),
        )
        assertEquals("net", bundle.manifest()!!.name)
        val spoilt = File(folder.root, other.manifest.path)
        spoilt.writeText(spoilt.readText().replace("\"edges\": [1]", "\"edges\": [1, 2]"))
        assertEquals(
            "other: has 2 names of levels for 2 edges, expected one more; lower the net anew",
            refusal(other.model.path, other.manifest.path),
        )
        spoilt.writeText(spoilt.readText().replace(Regex("\"clip_samples\": \\d+"), "\"clip_samples\": 0"))
        assertTrue("clip_samples is 0, expected 1 or more" in refusal(other.model.path, other.manifest.path)!!)
        assertEquals("net", bundle.manifest()!!.name)
    }
}
