package org.ersam.runner

import org.ersam.runner.core.Engine

/** The runtime of this package. */
fun packagedEngine(): Engine? = ExecuTorchEngine()
