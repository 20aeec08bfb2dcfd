package org.ersam.runner.device

import android.app.ActivityManager
import android.content.Context
import android.os.Build
import org.ersam.runner.core.CpuFiles
import org.ersam.runner.core.DeviceInfo
import org.ersam.runner.core.Text

/** Who this phone is. */
fun readDevice(context: Context, cpuFiles: CpuFiles): DeviceInfo {
    val memory = ActivityManager.MemoryInfo()
    context.systemService<ActivityManager>().getMemoryInfo(memory)
    return DeviceInfo(
        manufacturer = Build.MANUFACTURER,
        model = Build.MODEL,
        codename = Build.DEVICE,
        soc = soc(),
        fingerprint = Build.FINGERPRINT,
        androidRelease = Build.VERSION.RELEASE,
        sdkInt = Build.VERSION.SDK_INT,
        securityPatch = Text.filled(Build.VERSION.SECURITY_PATCH, "this build names none"),
        abis = Build.SUPPORTED_ABIS.toList(),
        cores = Runtime.getRuntime().availableProcessors(),
        memoryBytes = memory.totalMem,
        cpuClusters = cpuFiles.clusters(),
        cpuset = cpuFiles.cpuset(),
        allowedCpus = cpuFiles.allowedCpus(),
    )
}

private fun soc(): Text {
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.S) return Text.none("told since Android 12 only")
    val parts = listOf(Build.SOC_MANUFACTURER, Build.SOC_MODEL).filter { it != Build.UNKNOWN && it.isNotBlank() }
    return Text.filled(parts.joinToString(" "), "this build names none")
}
