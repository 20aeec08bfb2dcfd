"""Where in a recording somebody speaks: energy per 20 ms frame against the recording's own level.

Legend: K recordings, T samples, F frames of 20 ms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_modules.audio import Float32
from search_spaces.clip import SAMPLE_RATE_HZ

FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE_HZ * FRAME_MS // 1000

_THRESHOLD_DB = -35.0  # against the 95th percentile of the frames' power: breath and room lie below
_FLOOR_POWER = 1e-8  # -80 dBFS: a digitally silent recording has no active frame
_MARGIN_MS = 40  # kept around speech, so that soft onsets are not cut
_LONGEST_PAUSE_MS = 500
_FADE_MS = 5


def frame_power(waveform: Float32) -> Float32:
    """Mean power of each whole 20 ms frame: float32 [..., T] -> float32 [..., F]."""
    frames = waveform.shape[-1] // FRAME_SAMPLES
    framed = waveform[..., : frames * FRAME_SAMPLES].reshape(
        *waveform.shape[:-1], frames, FRAME_SAMPLES
    )
    return np.einsum("...ft,...ft->...f", framed, framed) / np.float32(FRAME_SAMPLES)


def active_frames(waveform: Float32) -> NDArray[np.bool_]:
    """Frames louder than 35 dB below the recording's loud frames: [..., T] -> bool [..., F]."""
    power = frame_power(waveform)
    if power.shape[-1] == 0:
        return np.zeros(power.shape, bool)
    loud = np.percentile(power, 95, axis=-1, keepdims=True)
    return power > np.maximum(loud * 10 ** (_THRESHOLD_DB / 10), _FLOOR_POWER)


def widen(active: NDArray[np.bool_], frames: int) -> NDArray[np.bool_]:
    """Mark also the ``frames`` neighbours on both sides of each marked frame; bool [..., F]."""
    size = 2 * frames + 1
    padding = [(0, 0)] * (active.ndim - 1) + [(frames + 1, frames)]
    running = np.cumsum(np.pad(active, padding), axis=-1, dtype=np.int32)
    return (running[..., size:] - running[..., :-size]) > 0


def bridge_pauses(active: NDArray[np.bool_], longest_ms: int) -> NDArray[np.bool_]:
    """Mark the pauses of at most about ``longest_ms`` between marked frames too; bool [..., F]."""
    reach = longest_ms // FRAME_MS // 2
    widened = widen(active, reach)
    edge = [(0, 0)] * (active.ndim - 1) + [(reach, reach)]
    outside = widen(~np.pad(widened, edge, mode="edge"), reach)
    return active | ~outside[..., reach : outside.shape[-1] - reach]


def keep_speech(waveform: Float32) -> Float32:
    """Cut leading and trailing silence and shorten inner pauses to 0.5 s.

    A clip's label says that its readers speak throughout; a window that falls into the silence
    before a sentence, or into a long pause, would make that label false.

    Args:
        waveform: float32 [T].

    Returns:
        float32 [T'], T' <= T; faded over 5 ms at both ends so that recordings can be joined. Empty
        when nothing is louder than -80 dBFS.
    """
    active = active_frames(waveform)
    if not active.any():
        return waveform[:0]
    keep = widen(active, _LONGEST_PAUSE_MS // FRAME_MS // 2)
    spoken = np.flatnonzero(active)
    margin = _MARGIN_MS // FRAME_MS
    keep[: max(0, spoken[0] - margin)] = False
    keep[spoken[-1] + 1 + margin :] = False
    speech = waveform[: len(keep) * FRAME_SAMPLES][np.repeat(keep, FRAME_SAMPLES)]
    fade = np.linspace(0, 1, _FADE_MS * SAMPLE_RATE_HZ // 1000, dtype=np.float32)
    speech[: len(fade)] *= fade
    speech[-len(fade) :] *= fade[::-1]
    return speech
