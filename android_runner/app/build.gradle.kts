plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
    alias(libs.plugins.kotlin.serialization)
}

android {
    namespace = "org.ersam.runner"
    compileSdk = libs.versions.targetSdk.get().toInt()

    defaultConfig {
        applicationId = "org.ersam.runner"
        minSdk = libs.versions.minSdk.get().toInt()
        targetSdk = libs.versions.targetSdk.get().toInt()
        versionCode = libs.versions.versionCode.get().toInt()
        versionName = libs.versions.versionName.get()
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }

    buildTypes {
        // Signed with the debug key, as the Maven build's package is: either updates the other. Not debuggable,
        // for that would slow down what is measured.
        release {
            isMinifyEnabled = false
            signingConfig = signingConfigs.getByName("debug")
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    // Here the package with the runtime resolves: the adapter and the engine that it makes. Of the Maven build alone
    // are src/noengine, src/executorchTest, src/jvm, and src/test, which makes objects that the SDK's android.jar hides.
    sourceSets {
        getByName("main") {
            kotlin.srcDirs("src/executorch/kotlin", "src/engine/kotlin")
        }
        getByName("test") {
            kotlin.setSrcDirs(emptyList<String>())
        }
    }
}

kotlin.compilerOptions.jvmTarget = org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_17

dependencies {
    implementation(libs.executorch.android)
    implementation(libs.kotlinx.serialization.json)
}
