"""Clips by number: (seed, split, index) -> clip, without state.

A clip depends on nothing else, so workers, order and resumes cannot change it.
Legend: T samples.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from lightning_modules.audio import Int16, to_pcm16
from lightning_modules.mixtures_noise import noise_bank
from lightning_modules.mixtures_parts import MixtureProtocol
from search_spaces.clip import MAX_COUNT

LEVEL_RANGE_DBFS = (-50.0, 0.0)  # of the peak, so that nothing clips
_DIGITAL_SILENCE = 0.05  # share of the clips without people that hold no noise either


@dataclass(frozen=True)
class Clip:
    """One clip and, unless they are hidden, its truths.

    Attributes:
        samples: int16 [T = 80 000], mono, 16 kHz.
        count: the most people who speak at the same moment; NaN when hidden.
        snr_db: speech over noise; NaN when hidden or without speech.
        rt60_s: reverberation time; NaN when hidden or without a room.
        level_dbfs: level of the peak; NaN when hidden or for digital silence.
        voices: which of the split's readers are heard, in the order of `Mixtures`; empty when
            hidden.
        protocol: by which it was mixed, of several perhaps; empty when hidden.
    """

    samples: Int16
    count: float
    snr_db: float = math.nan
    rt60_s: float = math.nan
    level_dbfs: float = math.nan
    voices: tuple[int, ...] = ()
    protocol: str = ""


class Mixtures:
    """The clips that a split's readers make under a protocol.

    Args:
        voices: int16 [T] of each reader of one split, in a fixed order.
        protocol: how they are mixed.
        seed: entropy of all clips.
        split: name of the split; splits with one seed differ.
        max_count: the largest count.
        revealed: indices whose counts may be known; None for all. Every other clip comes with NaN
            instead of its count, SNR and the rest, since those tell of the count too.
    """

    def __init__(
        self,
        voices: Sequence[Int16],
        protocol: MixtureProtocol,
        seed: int,
        split: str,
        max_count: int = MAX_COUNT,
        revealed: Container[int] | None = None,
    ) -> None:
        self._voices = [np.asarray(voice) for voice in voices]  # plain views of memory maps: faster
        self._protocol = protocol
        self._seed = seed
        self._stream = zlib.crc32(f"{protocol.name}/{split}".encode())
        self._max_count = max_count
        self._revealed = revealed

    def __getitem__(self, index: int) -> Clip:
        """Clip ``index`` >= 0; always the same."""
        rng = np.random.default_rng((self._seed, self._stream, index))
        noise = noise_bank((self._seed, self._stream))
        mix = self._protocol.mix(rng, self._voices, self._max_count, noise)
        level_dbfs = float(rng.uniform(*LEVEL_RANGE_DBFS))
        waveform = mix.waveform
        if math.isnan(mix.snr_db) and rng.random() < _DIGITAL_SILENCE:
            samples, level_dbfs = np.zeros(len(waveform), np.int16), math.nan
        else:
            peak = float(max(waveform.max(), -waveform.min()))
            samples = to_pcm16(waveform * np.float32(10 ** (level_dbfs / 20) / peak))
        if self._revealed is not None and index not in self._revealed:
            return Clip(samples, math.nan)
        truths = (mix.count, mix.snr_db, mix.rt60_s, level_dbfs, mix.voices, mix.protocol)
        return Clip(samples, *truths)
