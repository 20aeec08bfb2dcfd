package org.ersam.runner

import org.ersam.runner.core.Engine

/** This package was built where executorch-android does not resolve: it holds no runtime. */
fun packagedEngine(): Engine? = null
