"""What a protocol gets and gives: voices in, a mixture and its truth out.

Legend: T samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lightning_modules.audio import Float32, Int16, from_pcm16
from lightning_modules.mixtures_noise import NoiseBank


@dataclass(frozen=True)
class Mix:
    """A mixture before its level is set.

    Attributes:
        waveform: float32 [T], any scale.
        count: the most people who speak at the same moment.
        snr_db: speech over noise; NaN without speech.
        rt60_s: reverberation time of the room; NaN without a room.
        voices: which of the voices are heard, bystanders included.
        protocol: name of the protocol that mixed it.
    """

    waveform: Float32
    count: int
    snr_db: float
    rt60_s: float
    voices: tuple[int, ...]
    protocol: str


class MixtureProtocol(Protocol):
    """How readers become a mixture; all randomness comes from ``rng``."""

    name: str

    def mix(
        self,
        rng: np.random.Generator,
        voices: Sequence[Int16],
        max_count: int,
        noise: NoiseBank,
    ) -> Mix:
        """A mixture of 0..``max_count`` of ``voices``, all different."""
        ...


def random_window(
    rng: np.random.Generator, voice: Int16, samples: int, widest_speed: float = 0.0
) -> Float32:
    """A random stretch of a voice, float32 [T = ``samples``]; a shorter voice goes round again.

    Args:
        rng: of the stretch and the speed.
        voice: int16 samples.
        samples: T.
        widest_speed: above 0 the voice is played at a random speed, between ``1 / (1 + x)`` and
            ``1 + x``, evenly in its log: pitch, formants and tempo of another speaker (Ko et al.,
            "Audio augmentation for speech recognition", 2015, section 3.2).
    """
    if widest_speed:
        bound = math.log1p(widest_speed)
        speed = math.exp(rng.uniform(-bound, bound))
        longer = random_window(rng, voice, math.ceil(samples * speed) + 1)
        places = np.arange(samples) * speed
        before = places.astype(np.int64)
        later = (places - before).astype(np.float32)
        return longer[before] * (1 - later) + longer[before + 1] * later
    if len(voice) >= samples:
        start = rng.integers(len(voice) - samples + 1)
        window = voice[start : start + samples]
    else:
        start = rng.integers(len(voice))
        window = np.take(voice, np.arange(start, start + samples), mode="wrap")
    return from_pcm16(window)
