package org.ersam.runner.core

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** What the layout promises, read from the sources. */
class SourcesTest {
    private val home = File(System.getProperty("runner.home") ?: "..")

    private fun imports(folder: String): List<Pair<File, String>> = File(home, folder).walk().filter { it.extension == "kt" }
        .flatMap { file -> file.readLines().filter { it.startsWith("import ") }.map { file to it.removePrefix("import ") } }
        .toList()

    @Test
    fun `the job's core knows no Android`() {
        val core = imports("app/src/main/kotlin/org/ersam/runner/core")
        assertTrue(core.isNotEmpty())
        assertEquals(emptyList<Any>(), core.filter { it.second.startsWith("android") || it.second.startsWith("org.ersam.runner.device") })
    }

    @Test
    fun `one class touches ExecuTorch`() {
        val users = imports("app/src").filter { it.second.startsWith("org.pytorch") && "executorchTest" !in it.first.path }
        assertEquals(listOf("ExecuTorchEngine.kt"), users.map { it.first.name }.distinct())
    }

    @Test
    fun `both builds take the same versions`() {
        val pom = File(home, "pom.xml").readText()
        val catalog = File(home, "gradle/libs.versions.toml").readText()
        fun ofPom(name: String) = Regex("<$name>([^<]+)</$name>").find(pom)!!.groupValues[1]
        fun ofCatalog(name: String) = Regex("(?m)^$name = \"([^\"]+)\"").find(catalog)!!.groupValues[1]
        val pairs = mapOf(
            "kotlin.version" to "kotlin", "serialization.version" to "serialization", "executorch.version" to "executorch",
            "min.sdk" to "minSdk", "target.sdk" to "targetSdk", "version.code" to "versionCode",
        )
        pairs.forEach { (pomName, name) -> assertEquals(name, ofPom(pomName), ofCatalog(name)) }
        assertEquals(Regex("<version>([^<]+)</version>").find(pom)!!.groupValues[1], ofCatalog("versionName"))
        val adapter = File(home, "app/src/executorch/kotlin/org/ersam/runner/ExecuTorchEngine.kt").readText()
        assertTrue("\"${ofCatalog("executorch")}\"" in adapter)
    }
}
