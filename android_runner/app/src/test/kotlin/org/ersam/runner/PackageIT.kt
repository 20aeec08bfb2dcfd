package org.ersam.runner

import java.io.File
import java.util.zip.ZipEntry
import java.util.zip.ZipFile
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Reads the built package; run in Maven's `verify`, when there is one. */
class PackageIT {
    private val target = File(System.getProperty("runner.home"), "target")
    private val apk = File(target, "runner.apk")

    private fun aapt2(vararg arguments: String): String {
        val process = ProcessBuilder(File(target, "apk/aapt2").path, *arguments, apk.path).redirectErrorStream(true).start()
        val text = process.inputStream.bufferedReader().readText()
        assertEquals(text, 0, process.waitFor())
        return text
    }

    private fun dex(): List<String> = ZipFile(apk).use { zip ->
        zip.entries().asSequence().filter { it.name.endsWith(".dex") }.map { entry ->
            zip.getInputStream(entry).readBytes().toString(Charsets.ISO_8859_1)
        }.toList()
    }

    /** Content of our own classes in a folder of the package, by file name. */
    private fun classes(folder: String): Map<String, String> = ZipFile(File(target, "apk/classes.jar")).use { jar ->
        jar.entries().asSequence().filter { it.name.startsWith("org/ersam/runner/$folder") && it.name.endsWith(".class") }
            .associate { it.name.substringAfterLast('/') to jar.getInputStream(it).readBytes().toString(Charsets.ISO_8859_1) }
    }

    @Test
    fun `it asks for no internet`() {
        val permissions = Regex("uses-permission: name='android.permission.([A-Z_]+)'")
            .findAll(aapt2("dump", "permissions")).map { it.groupValues[1] }.toSet()
        assertEquals(EXPECTED_PERMISSIONS, permissions)
    }

    @Test
    fun `its name, versions and instrumentation are those that deploy is told`() {
        val badging = aapt2("dump", "badging")
        val described = Json.parseToJsonElement(File(target, "runner.json").readText()).jsonObject
        fun field(name: String) = described.getValue(name).jsonPrimitive.content
        assertTrue(badging, "package: name='${field("package")}' versionCode='${field("version_code")}' versionName='${field("version_name")}'" in badging)
        assertTrue(badging, "${field("min_sdk")}'" in badging.lines().first { "dkVersion:" in it })
        val manifest = aapt2("dump", "xmltree", "--file", "AndroidManifest.xml")
        assertTrue(manifest, "org.ersam.runner.JobInstrumentation" in manifest)
        assertTrue(dex().any { "Lorg/ersam/runner/JobInstrumentation;" in it })
    }

    @Test
    fun `it holds no part of the test device, and an engine only where it says so`() {
        assertTrue(dex().none { "Lorg/ersam/runner/jvm/" in it })
        val says = Json.parseToJsonElement(File(target, "runner.json").readText()).jsonObject.getValue("engine").jsonPrimitive.content
        assertEquals(says, dex().any { "Lorg/ersam/runner/ExecuTorchEngine;" in it }.toString())
    }

    /** Android 11 and later refuse to install a package that has it compressed. */
    @Test
    fun `its resources are stored`() {
        ZipFile(apk).use { zip -> assertEquals(ZipEntry.STORED, zip.getEntry("resources.arsc").method) }
    }

    @Test
    fun `it opens no connection`() {
        for (type in listOf("Ljava/net/Socket;", "Ljava/net/HttpURLConnection;", "Landroid/webkit/WebView;")) {
            assertTrue(type, dex().none { type in it })
        }
        classes("").forEach { (name, content) -> assertTrue("$name uses java.net", "java/net/" !in content) }
    }

    @Test
    fun `the classes that hear write no file but the levels`() {
        val live = classes("live/")
        val hearing = live.filterKeys { it.startsWith("Microphone") || it.startsWith("Listening") || it.startsWith("SoundSource") }
        assertEquals(setOf("Microphone.class", "Listening.class", "SoundSource.class"), hearing.keys.filter { '$' !in it }.toSet())
        val writing = listOf("java/io/File", "java/io/OutputStream", "java/io/RandomAccessFile", "java/nio/", "kotlin/io/", "ContentResolver")
        hearing.forEach { (name, content) -> writing.forEach { assertTrue("$name uses $it", it !in content) } }
        assertTrue("the levels' file takes no sound", live.getValue("LevelLog.class").let { "[F" !in it && "[S" !in it })
        assertTrue("no recorder that writes", dex().none { "setOutputFile" in it })
    }

    @Test
    fun `the microphone needs a foreground service, which no other app may begin`() {
        val manifest = aapt2("dump", "xmltree", "--file", "AndroidManifest.xml")
        val service = manifest.substringAfter("E: service").substringBefore("E: instrumentation")
        assertTrue(service, "foregroundServiceType" in service && "0x00000080" in service.lines().first { "foregroundServiceType" in it })
        assertTrue(service, "false" in service.lines().first { "exported" in it })
    }

    /** From Android 12 on `allowBackup` does not keep a phone from handing the app's files to the next one. */
    @Test
    fun `nothing of it is backed up or handed to another phone`() {
        val manifest = aapt2("dump", "xmltree", "--file", "AndroidManifest.xml")
        assertTrue(manifest, "false" in manifest.lines().first { "allowBackup" in it })
        assertTrue(manifest, "dataExtractionRules" in manifest)
        val rules = aapt2("dump", "xmltree", "--file", "res/xml/data_extraction_rules.xml")
        for (way in listOf("cloud-backup", "device-transfer")) {
            val rule = rules.substringAfter("E: $way").substringBefore("E: ${if (way == "cloud-backup") "device-transfer" else "none"}")
            assertEquals(DOMAINS, Regex("domain=\"([a-z_]+)\"").findAll(rule).map { it.groupValues[1] }.toList())
            assertEquals(rule, DOMAINS.size, Regex("E: exclude").findAll(rule).count())
        }
        assertTrue(rules, "E: include" !in rules)
    }

    private companion object {
        /** All that Android knows. */
        val DOMAINS = listOf(
            "root", "file", "database", "sharedpref", "external",
            "device_root", "device_file", "device_database", "device_sharedpref",
        )
        val EXPECTED_PERMISSIONS = setOf(
            "WAKE_LOCK", "RECORD_AUDIO", "FOREGROUND_SERVICE", "FOREGROUND_SERVICE_MICROPHONE", "POST_NOTIFICATIONS",
        )
    }
}
