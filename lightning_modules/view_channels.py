"""Sound as another microphone, room and line would bring it, for a teacher to hear as well.

T samples at 16 kHz, F frequencies of a Fourier transform.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from lightning_modules.audio import Int16, from_pcm16
from search_spaces.clip import SAMPLE_RATE_HZ

Float64 = NDArray[np.float64]

FILTER_KNOTS, FILTER_DB = 6, 4.0  # a smooth curve; the deviation of its knots
LOW_CUT_HZ, LOW_CUT_DB_PER_HZ = (80.0, 350.0), 0.06
HIGH_CUT_HZ, HIGH_CUT_DB_PER_HZ = (2500.0, 4000.0), 0.025  # a telephone's band, and less
DEEPEST_DB = 60.0
RT60_S, TAIL = (0.05, 0.35), (0.02, 0.15)  # small rooms; their tail's beginning beside the sound
NOISE_SNR_DB = (15.0, 45.0)
PEAK_DB = (-18.0, -1.0)
LOW_CUT, HIGH_CUT, ROOM, NOISE = 0.5, 0.5, 0.4, 0.6  # shares of the channels that have it


def through_channel(sound: Int16, seed: int) -> Int16:
    """Filter a sound, put it into a small room, add noise and change its level, as the seed says.

    Args:
        sound: int16 [T].
        seed: of the channel.

    Returns:
        int16 [T]; silence stays silence.
    """
    if not sound.any():
        return sound
    rng = np.random.default_rng(seed)
    tail = _tail(rng)
    size = fft.next_fast_len(len(sound) + len(tail), real=True)
    hertz = fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    spectrum = fft.rfft(from_pcm16(sound), size) * 10 ** (_gain_db(hertz, rng) / 20)
    if len(tail):
        spectrum = spectrum * (1.0 + fft.rfft(tail, size))
    if rng.random() < NOISE:
        noise = _noise(hertz, rng)
        loudness = np.linalg.norm(spectrum) / np.linalg.norm(noise)
        # the noise lasts as long as the transform, the sound T samples of it
        loudness *= np.sqrt(size / len(sound))
        spectrum = spectrum + noise * (loudness * 10 ** (-rng.uniform(*NOISE_SNR_DB) / 20))
    heard = fft.irfft(spectrum, size)[: len(sound)]
    level = 10 ** (rng.uniform(*PEAK_DB) / 20) / np.abs(heard).max()
    return np.rint(heard * (level * 32767)).astype(np.int16)


def _tail(rng: np.random.Generator) -> Float64:
    """What a room adds behind the direct sound: decaying noise (Polack 1988); often nothing."""
    if rng.random() >= ROOM:
        return np.empty(0)
    samples = int(SAMPLE_RATE_HZ * rng.uniform(*RT60_S))
    decay = np.exp(-np.log(1e3) * np.arange(samples) / samples)
    return rng.uniform(*TAIL) * decay * rng.standard_normal(samples)


def _gain_db(hertz: Float64, rng: np.random.Generator) -> Float64:
    """A smooth curve over the logarithm of frequency [F], some with the ends cut off."""
    knots_hz = np.geomspace(50.0, SAMPLE_RATE_HZ / 2, FILTER_KNOTS)
    gain_db = np.interp(hertz, knots_hz, rng.normal(0.0, FILTER_DB, FILTER_KNOTS))
    if rng.random() < LOW_CUT:
        gain_db -= LOW_CUT_DB_PER_HZ * np.clip(rng.uniform(*LOW_CUT_HZ) - hertz, 0.0, None)
    if rng.random() < HIGH_CUT:
        gain_db -= HIGH_CUT_DB_PER_HZ * np.clip(hertz - rng.uniform(*HIGH_CUT_HZ), 0.0, None)
    return np.maximum(gain_db, -DEEPEST_DB)


def _noise(hertz: Float64, rng: np.random.Generator) -> NDArray[np.complex128]:
    """The spectrum [F] of noise of any colour between white and brown."""
    draws = rng.standard_normal((2, len(hertz)))
    return (draws[0] + 1j * draws[1]) / (1.0 + hertz / 100.0) ** rng.uniform(0.0, 1.0)
