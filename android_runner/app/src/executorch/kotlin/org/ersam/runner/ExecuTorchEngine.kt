package org.ersam.runner

import java.io.File
import java.nio.FloatBuffer
import org.ersam.runner.core.Engine
import org.ersam.runner.core.EngineInfo
import org.ersam.runner.core.ErrorCode
import org.ersam.runner.core.LoadedModel
import org.ersam.runner.core.RunnerError
import org.pytorch.executorch.EValue
import org.pytorch.executorch.ExecuTorchRuntime
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor

/** ExecuTorch's Android package; the only class that touches it. */
class ExecuTorchEngine : Engine {
    override val info: EngineInfo by lazy {
        engineFails("runtime cannot be started") {
            EngineInfo("executorch", EXECUTORCH_VERSION, ExecuTorchRuntime.getRegisteredBackends().toList())
        }
    }

    override fun load(model: File, threads: Int): LoadedModel = engineFails("$model: cannot be loaded") {
        val module = Module.load(model.path, Module.LOAD_MODE_MMAP, threads)
        try {
            module.loadMethod(METHOD)
        } catch (error: RuntimeException) {
            module.close()
            throw error
        }
        ExecuTorchModel(module)
    }

    companion object {
        /** Of the package that the build takes; the package itself does not tell. */
        const val EXECUTORCH_VERSION = "1.4.1"
        internal const val METHOD = "forward"
    }
}

private class ExecuTorchModel(private val module: Module) : LoadedModel {
    /** Native memory that the runtime reads in place; made once, for a new one each run would be time and garbage. */
    private var buffer: FloatBuffer = Tensor.allocateFloatBuffer(0)

    override fun run(input: FloatArray, shape: IntArray): FloatArray = engineFails("the model cannot run") {
        if (buffer.capacity() != input.size) buffer = Tensor.allocateFloatBuffer(input.size)
        buffer.rewind()
        buffer.put(input)
        buffer.rewind()
        val sizes = LongArray(shape.size) { shape[it].toLong() }
        module.execute(ExecuTorchEngine.METHOD, EValue.from(Tensor.fromBlob(buffer, sizes)))[0].toTensor().dataAsFloatArray
    }

    override fun close() = module.close()
}

/** Its exceptions, and a native library that does not load, as our one error. */
private inline fun <T> engineFails(what: String, block: () -> T): T = try {
    block()
} catch (error: RuntimeException) {
    throw RunnerError(ErrorCode.ENGINE_FAILED, "$what: ${error.message}")
} catch (error: LinkageError) {
    throw RunnerError(ErrorCode.ENGINE_FAILED, "$what: ${error.message}")
}
