"""The smallest net of pictures that still is one."""

from __future__ import annotations

from search_spaces.architecture import Architecture
from search_spaces.space import Choice


def picture_architecture(**choices: Choice) -> Architecture:
    """SqueezeNet on 32 pixels, 1 s, unless ``choices`` say otherwise."""
    usual: dict[str, Choice] = {
        "frontend_rate_hz": 16_000,
        "frontend_hop_ms": 32,
        "frontend_window_ms": 64,
        "frontend_mels": 40,
        "frontend_scale": "mel",
        "colour_map": "viridis",
        "picture_size": 32,
        "cnn": "squeezenet1_1",
    }
    return Architecture("deepspectrum-1s", 1, {**usual, **choices}).validate()
