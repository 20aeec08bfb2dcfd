"""Clips in which one voice is heard, and sums of them with their count.

Where people take turns, the count of a sum is not the sum of counts: it is the largest number who
speak at one moment. For clips of one voice each, that moment can be found: who speaks when follows
from a clip's loudness alone. So a net that knows one voice from several, which few labels teach,
yields labelled clips of any count. Self-training (Scudder 1965) on the easiest label only.

Legend: N clips, T samples, F frames of 20 ms, K clips of a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_modules.audio import Float32, Int16, from_pcm16, to_pcm16
from lightning_modules.audio_activity import FRAME_MS, FRAME_SAMPLES, bridge_pauses, frame_power
from lightning_modules.mixtures import LEVEL_RANGE_DBFS
from lightning_modules.rooms import BRIDGED_PAUSE_MS, BYSTANDERS, LEVEL_RANGE_DB
from lightning_modules.rooms_turns import TOGETHER_MS
from search_spaces.clip import CLIP_SAMPLES, MAX_COUNT

_FLOOR, _LOUD = 5, 95  # percentiles of a clip's frames, in dB
_ACTIVE = 0.35  # of the way from floor to loud: speech against noise and reverberation
_LEAST_POWER = 1e-10


@dataclass(frozen=True)
class Singles:
    """What sums are made of.

    Attributes:
        voices: int16 [T] each, N clips of one voice.
        active: bool [N, F], when it speaks.
        quiet: int16 [T] each, clips without a voice; may be none.
        level_range_db: of a voice against the others.
    """

    voices: Sequence[Int16]
    active: NDArray[np.bool_]
    quiet: Sequence[Int16]
    level_range_db: tuple[float, float]

    @classmethod
    def of(cls, voices: Sequence[Int16], quiet: Sequence[Int16], throughout: bool) -> Singles:
        """Singles of these clips.

        Args:
            voices: N clips of one voice.
            quiet: clips without a voice.
            throughout: voices are known to speak all the time and to be equally loud
                (`libricount`); else they do as in `rooms`.
        """
        if throughout:
            always = np.ones((len(voices), CLIP_SAMPLES // FRAME_SAMPLES), bool)
            return cls(voices, always, quiet, (0.0, 0.0))
        active = np.stack([when_active(from_pcm16(clip)) for clip in voices])
        return cls(voices, active, quiet, LEVEL_RANGE_DB)

    def draw(self, rng: np.random.Generator) -> tuple[Int16, int]:
        """A sum with its count, which is uniform: int16 [T], 0 to 10."""
        wanted = int(rng.integers(0 if len(self.quiet) else 1, MAX_COUNT + 1))
        if wanted == 0:
            quiet = from_pcm16(self.quiet[int(rng.integers(len(self.quiet)))])
            return _at_random_level(quiet, rng), 0
        number = wanted + int(rng.integers(BYSTANDERS + 1))
        frames = self.active.shape[1]
        together = np.zeros(frames, np.int64)
        waveform = np.zeros(CLIP_SAMPLES, np.float32)
        moment = int(rng.integers(frames))  # at which all who are wanted speak
        chosen = rng.choice(len(self.voices), number, replace=number > len(self.voices))
        for order, place in enumerate(chosen):
            active = self.active[place]
            shift = moment - int(rng.choice(_amid_turns(active)))
            if order >= wanted:
                shift = int(rng.integers(frames))
            joined = together + np.roll(active, shift)
            if joined.max() > wanted:
                continue
            together = joined
            voice = from_pcm16(self.voices[place])
            level_db = float(rng.uniform(*self.level_range_db))
            gain = 10 ** (level_db / 20) / _loudness(voice, active)
            waveform += np.roll(voice, shift * FRAME_SAMPLES) * np.float32(gain)
        return _at_random_level(waveform, rng), wanted


def when_active(waveform: Float32) -> NDArray[np.bool_]:
    """When the one voice of a noisy clip speaks: float32 [T] -> bool [F], never nowhere.

    A frame counts that lies well above the clip's floor, on the way to its loud frames; short
    pauses do too, as in `rooms`.
    """
    level_db = 10 * np.log10(frame_power(waveform) + _LEAST_POWER)
    floor, loud = np.percentile(level_db, (_FLOOR, _LOUD))
    return bridge_pauses(level_db >= floor + _ACTIVE * (loud - floor), BRIDGED_PAUSE_MS)


def _amid_turns(active: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Frames in the middle of 0.6 s of speech, as `rooms` has it; else any of speech."""
    frames = TOGETHER_MS // FRAME_MS + 1
    amid = np.convolve(active, np.ones(frames), "same") > frames - 1
    return np.flatnonzero(amid if amid.any() else active)


def _loudness(waveform: Float32, active: NDArray[np.bool_]) -> float:
    """RMS while the voice speaks, of which the levels of `rooms` are, above 0."""
    power = frame_power(waveform)[active]
    return float(np.sqrt(power.mean() + _LEAST_POWER))


def _at_random_level(waveform: Float32, rng: np.random.Generator) -> Int16:
    peak = float(np.abs(waveform).max()) + 1e-9
    gain = 10 ** (float(rng.uniform(*LEVEL_RANGE_DBFS)) / 20) / peak
    return to_pcm16(waveform * np.float32(gain))
