/**
 * The part of executorch-android's API that the adapter calls, with the signatures of its sources
 * (extension/android, 1.4), so that the adapter compiles and is tested where the package is missing.
 */
package org.pytorch.executorch

import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

class ExecutorchRuntimeException(val errorCode: Int, details: String) : RuntimeException("[$errorCode] $details")

class ExecuTorchRuntime private constructor() {
    companion object {
        var fails: Throwable? = null

        @JvmStatic
        fun getRegisteredBackends(): Array<String> = fails?.let { throw it } ?: arrayOf("XnnpackBackend")
    }
}

/** Doubles its input. A path with "broken" in it does not load, one with "lazy" has no such method. */
open class Module private constructor(val path: String, val loadMode: Int, val numThreads: Int) : Closeable {
    var closed = false

    open fun loadMethod(methodName: String) {
        if ("lazy" in path) throw ExecutorchRuntimeException(0x12, "Failed to load method: $methodName")
    }

    open fun execute(methodName: String, vararg inputs: EValue): Array<EValue> {
        if (methodName != "forward") throw ExecutorchRuntimeException(0x12, "no method $methodName")
        val input = inputs.single().toTensor()
        if (input.shape().size != 2) throw ExecutorchRuntimeException(0x12, "rank ${input.shape().size}, expected 2")
        val output = Tensor.allocateFloatBuffer(input.dataAsFloatArray.size)
        input.dataAsFloatArray.forEach { output.put(2 * it) }
        return arrayOf(EValue.from(Tensor.fromBlob(output, input.shape())))
    }

    override fun close() {
        closed = true
    }

    companion object {
        const val LOAD_MODE_MMAP = 1
        val loaded = mutableListOf<Module>()

        @JvmStatic
        @JvmOverloads
        fun load(modelPath: String?, loadMode: Int = 0, numThreads: Int = 0): Module {
            if ("broken" in modelPath!!) throw ExecutorchRuntimeException(0x23, "invalid program")
            return Module(modelPath, loadMode, numThreads).also { loaded += it }
        }
    }
}

class EValue private constructor(private val tensor: Tensor) {
    fun toTensor(): Tensor = tensor

    companion object {
        @JvmStatic
        fun from(tensor: Tensor): EValue = EValue(tensor)
    }
}

class Tensor private constructor(private val data: FloatBuffer, private val shape: LongArray) {
    fun shape(): LongArray = shape.copyOf()

    val dataAsFloatArray: FloatArray
        get() {
            data.rewind()
            return FloatArray(data.remaining()).also(data::get)
        }

    companion object {
        @JvmStatic
        fun allocateFloatBuffer(numElements: Int): FloatBuffer =
            ByteBuffer.allocateDirect(4 * numElements).order(ByteOrder.nativeOrder()).asFloatBuffer()

        @JvmStatic
        fun fromBlob(data: FloatBuffer, shape: LongArray): Tensor {
            require(data.isDirect && data.order() == ByteOrder.nativeOrder()) { "data buffer must be direct and native" }
            require(data.capacity().toLong() == shape.reduce(Long::times)) { "shape does not fit the data" }
            return Tensor(data, shape)
        }
    }
}
