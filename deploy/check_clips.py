"""The clips on which a lowered net must answer as the eager one does.

Letters: N clips, T samples of a clip.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search_spaces.clips_file import Clips, to_float32

QUIET_DBFS = -50.0
MAX_CALIBRATION_CLIPS = 64
VECTOR_CLIPS = 2


def gain_to_dbfs(waveform: NDArray[np.float32], level_dbfs: float) -> float:
    """Factor that brings the RMS of a waveform, float32 [T], to a level; 1 for silence."""
    rms = float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64))))
    return 10.0 ** (level_dbfs / 20.0) / rms if rms > 0 else 1.0


def gain_to_full_scale(waveform: NDArray[np.float32]) -> float:
    """Factor that brings the peak of a waveform, float32 [T], to 1; 1 for silence."""
    peak = float(np.abs(waveform).max())
    return 1.0 / peak if peak > 0 else 1.0


def calibration_waveforms(clips: Clips) -> NDArray[np.float32]:
    """Unlabelled training clips that set the scales of int8, float32 [N, T]."""
    return to_float32(clips.calibration_waveform[:MAX_CALIBRATION_CLIPS])


def extreme_waveforms(clips: Clips) -> NDArray[np.float32]:
    """Silence, a clip at full scale, the same at -50 dBFS, noise at full scale, float32 [4, T]."""
    clip = calibration_waveforms(clips)[0]
    noise = np.random.default_rng(0).uniform(-1, 1, clip.shape)
    extremes = (
        np.zeros_like(clip),
        clip * gain_to_full_scale(clip),
        clip * gain_to_dbfs(clip, QUIET_DBFS),
        noise,
    )
    return np.stack(extremes).astype(np.float32)


def vector_gains(clips: Clips) -> list[tuple[int, float]]:
    """Clip and gain of each test vector: as they are, at -50 dBFS, at full scale, silence."""
    first, last = 0, min(VECTOR_CLIPS, len(clips.calibration_waveform)) - 1
    waveforms = calibration_waveforms(clips)
    return [
        (first, 1.0),
        (last, 1.0),
        (first, gain_to_dbfs(waveforms[first], QUIET_DBFS)),
        (last, gain_to_full_scale(waveforms[last])),
        (first, 0.0),
    ]
