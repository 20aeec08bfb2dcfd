"""Coloured noise, made once per seed and cut at random: no FFT per clip.

Legend: T samples.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lightning_modules.audio import Float32
from search_spaces.clip import SAMPLE_RATE_HZ

# Power falls as f^-slope above the corner and is flat from 20 Hz to it.
_COLOURS = {  # name: (corner_hz, slope)
    "blue": (20.0, -1.0),
    "white": (20.0, 0.0),
    "pink": (20.0, 1.0),
    "brown": (20.0, 2.0),
    "room": (100.0, 1.5),  # ventilation, traffic behind a window
    "speech-shaped": (500.0, 3.0),  # the long-term spectrum of voices, without their rhythm
}
_LOWEST_HZ = 20.0
_BANK_SAMPLES = 1 << 17  # 8 s, of which a clip takes 5
_UNSTEADY_SHARE = 0.5
_PACE_RANGE_S = (0.05, 2.0)  # between two turning points: from a rustle to a passing car
_DEPTH_RANGE_DB = (6.0, 40.0)
_FLOOR_RANGE_DB = (-40.0, -10.0)  # of the steady noise beneath


class NoiseBank:
    """One long stretch of noise of unit power for each colour.

    Args:
        seed: entropy of the noise; each split has its own, so that test noise is never trained on.
    """

    def __init__(self, seed: tuple[int, ...]) -> None:
        rng = np.random.default_rng(seed)
        frequency_hz = np.fft.rfftfreq(_BANK_SAMPLES, 1 / SAMPLE_RATE_HZ)
        audible = frequency_hz >= _LOWEST_HZ
        bank = []
        for corner_hz, slope in _COLOURS.values():
            gain = np.maximum(frequency_hz, corner_hz) ** (-slope / 2) * audible
            white = rng.standard_normal((len(gain), 2)) @ np.array([1, 1j])
            noise = np.fft.irfft(white * gain, _BANK_SAMPLES).astype(np.float32)
            bank.append(noise / noise.std())
        self._bank: NDArray[np.float32] = np.stack(bank)

    def draw(self, rng: np.random.Generator, samples: int) -> Float32:
        """A blend of two random colours: float32 [T = ``samples``] of unit power."""
        angle = rng.uniform(0, np.pi / 2)
        noise = np.zeros(samples, np.float32)
        for weight in (np.cos(angle), np.sin(angle)):
            colour = rng.integers(len(self._bank))
            start = rng.integers(_BANK_SAMPLES - samples)
            noise += np.float32(weight) * self._bank[colour, start : start + samples]
        return noise / np.float32(rms(noise))

    def draw_any(self, rng: np.random.Generator, samples: int) -> Float32:
        """As `draw`, or by one half's chance unsteady: it swells and fades over a steady floor."""
        noise = self.draw(rng, samples)
        if rng.random() >= _UNSTEADY_SHARE:
            return noise
        pace_s = np.exp(rng.uniform(*np.log(_PACE_RANGE_S)))
        places = np.arange(-rng.random(), samples / SAMPLE_RATE_HZ / pace_s + 1)
        gains_db = rng.uniform(-rng.uniform(*_DEPTH_RANGE_DB), 0, len(places))
        now = np.arange(samples) / (SAMPLE_RATE_HZ * pace_s)
        swell = 10 ** (np.interp(now, places, gains_db) / 20)
        floor = self.draw(rng, samples) * np.float32(10 ** (rng.uniform(*_FLOOR_RANGE_DB) / 20))
        noise = noise * swell.astype(np.float32) + floor
        return noise / np.float32(rms(noise))


@lru_cache(maxsize=4)
def noise_bank(seed: tuple[int, ...]) -> NoiseBank:
    """The bank of ``seed``, made once per process."""
    return NoiseBank(seed)


def add_noise(
    rng: np.random.Generator,
    speech: Float32,
    background: Float32,
    snr_range_db: tuple[float, float],
) -> tuple[Float32, float]:
    """Add noise at a random ratio to the whole mixture, so that it says nothing of the count.

    Args:
        rng: of the ratio.
        speech: float32 [T].
        background: the noise, float32 [T] of unit power.
        snr_range_db: the least and the largest ratio.

    Returns:
        The sum, float32 [T], and the signal-to-noise ratio in dB (NaN where ``speech`` is silent
        and the result is noise of unit power).
    """
    level = rms(speech)
    if level == 0:
        return background, float("nan")
    snr_db = float(rng.uniform(*snr_range_db))
    return speech + background * np.float32(level * 10 ** (-snr_db / 20)), snr_db


def rms(waveform: Float32) -> float:
    """Root mean square of float32 [T]."""
    return float(np.sqrt(np.dot(waveform, waveform) / len(waveform)))
