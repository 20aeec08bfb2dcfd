package org.ersam.runner.jvm

import java.io.BufferedInputStream
import java.io.DataInputStream
import java.io.EOFException
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlinx.serialization.SerializationException
import org.ersam.runner.core.Engine
import org.ersam.runner.core.EngineInfo
import org.ersam.runner.core.ErrorCode
import org.ersam.runner.core.KitJson
import org.ersam.runner.core.LoadedModel
import org.ersam.runner.core.RunnerError

/**
 * A runtime in another process, one process per loaded model (the host's runtime allows one number
 * of threads per process).
 *
 * It greets with `ERSAM-ENGINE 1 {"name":...,"version":...,"backends":[...]}`, answers
 * `LOAD <threads> <path>` with `OK`, and `RUN <d0>,<d1>...` followed by that many float32 with
 * `OK <m>` followed by m float32, little-endian; `ERR <why>` stands for either answer. It leaves
 * when its standard input ends.
 */
class ProcessEngine(private val command: List<String>) : Engine {
    override val info: EngineInfo by lazy { EngineProcess(command).use { it.info } }

    override fun load(model: File, threads: Int): LoadedModel {
        val process = EngineProcess(command)
        try {
            process.ask("LOAD $threads ${model.path}", null)
        } catch (error: RunnerError) {
            process.close()
            throw error
        }
        return object : LoadedModel {
            override fun run(input: FloatArray, shape: IntArray): FloatArray =
                process.readFloats(process.ask("RUN ${shape.joinToString(",")}", input))

            override fun close() = process.close()
        }
    }
}

/** One engine process that has greeted. */
private class EngineProcess(command: List<String>) : AutoCloseable {
    private val process = try {
        ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    } catch (error: IOException) {
        throw failed("cannot be started (${error.message})")
    }
    private val output = process.outputStream
    private val input = DataInputStream(BufferedInputStream(process.inputStream, 1 shl 16))

    val info: EngineInfo = try {
        val greeting = readLine()
        if (!greeting.startsWith(GREETING)) throw failed("greeted with '$greeting', expected '$GREETING...'")
        KitJson.decodeFromString(EngineInfo.serializer(), greeting.removePrefix(GREETING))
    } catch (error: SerializationException) {
        close()
        throw failed("greeted with no description of itself (${error.message})")
    } catch (error: RunnerError) {
        close()
        throw error
    }

    /** Send a request with its [payload]; returns what follows `OK`. */
    fun ask(request: String, payload: FloatArray?): String {
        try {
            output.write("$request\n".encodeToByteArray())
            if (payload != null) {
                val bytes = ByteBuffer.allocate(4 * payload.size).order(ByteOrder.LITTLE_ENDIAN)
                bytes.asFloatBuffer().put(payload)
                output.write(bytes.array())
            }
            output.flush()
        } catch (error: IOException) {
            throw failed("ended (${error.message})")
        }
        val answer = readLine()
        if (answer.substringBefore(' ') != "OK") throw failed(answer.removePrefix("ERR "))
        return answer.removePrefix("OK").trim()
    }

    /** [count] float32 of an answer. */
    fun readFloats(count: String): FloatArray {
        val size = count.toIntOrNull() ?: throw failed("answered with '$count' numbers")
        val bytes = ByteArray(4 * size)
        try {
            input.readFully(bytes)
        } catch (error: IOException) {
            throw failed("ended within an answer (${error.message})")
        }
        return FloatArray(size).also { ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(it) }
    }

    private fun readLine(): String {
        val line = StringBuilder()
        try {
            while (true) {
                val byte = input.readByte()
                if (byte == '\n'.code.toByte()) return line.toString()
                line.append(byte.toInt().toChar())
            }
        } catch (_: EOFException) {
            throw failed("ended without an answer")
        } catch (error: IOException) {
            throw failed("cannot be read (${error.message})")
        }
    }

    override fun close() {
        try {
            output.close()
        } catch (_: IOException) {
            return // it is gone already
        } finally {
            process.destroy()
        }
    }

    private fun failed(why: String) = RunnerError(ErrorCode.ENGINE_FAILED, "engine: $why")

    private companion object {
        const val GREETING = "ERSAM-ENGINE 1 "
    }
}
