package org.ersam.runner.core

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonNamingStrategy

/** Our own files: snake_case, every field written, an unknown field refused. */
@OptIn(ExperimentalSerializationApi::class)
val KitJson: Json = Json {
    namingStrategy = JsonNamingStrategy.SnakeCase
    encodeDefaults = true
}

/** Files of which only a part is read, such as a bundle's manifest. */
val LenientJson: Json = Json(KitJson) { ignoreUnknownKeys = true }
