from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lightning_modules.audio_activity import (
    FRAME_SAMPLES,
    active_frames,
    bridge_pauses,
    keep_speech,
    widen,
)

SECOND = 16_000


def sound(seconds: float, loudness: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (loudness * rng.standard_normal(int(seconds * SECOND))).astype(np.float32)


def test_active_frames_follow_the_recordings_own_level() -> None:
    quiet = np.concatenate([sound(1), sound(1, 0.1 * 10 ** (-50 / 20)), sound(1)])
    active = active_frames(np.stack([quiet, quiet * 1e-2]))
    assert active.shape == (2, 150)
    assert active[:, :50].all()
    assert not active[:, 50:100].any()
    assert active[:, 100:].all()


def test_silence_has_no_active_frame() -> None:
    assert not active_frames(np.zeros(SECOND, np.float32)).any()
    assert len(keep_speech(np.zeros(SECOND, np.float32))) == 0
    assert len(keep_speech(np.zeros(3, np.float32))) == 0


def test_keep_speech_cuts_the_ends_and_shortens_pauses() -> None:
    nothing = np.zeros(2 * SECOND, np.float32)
    kept = keep_speech(np.concatenate([nothing, sound(1), nothing, sound(1), nothing]))
    assert len(kept) == int((1 + 0.48 + 1 + 2 * 0.04) * SECOND)
    assert kept[0] == 0
    assert kept[-1] == 0
    assert active_frames(kept).sum() == 100


def test_keep_speech_leaves_continuous_speech_alone() -> None:
    speech = sound(2)
    kept = keep_speech(speech)
    assert len(kept) == len(speech)
    assert np.array_equal(kept[100:-100], speech[100:-100])


@given(arrays.arrays(bool, st.integers(1, 60)), st.integers(0, 6))
def test_widen_marks_all_neighbours(active: np.ndarray, frames: int) -> None:
    expected = [active[max(0, i - frames) : i + frames + 1].any() for i in range(len(active))]
    assert widen(active, frames).tolist() == expected


@given(arrays.arrays(bool, st.integers(1, 60)))
def test_bridging_fills_short_pauses_only(active: np.ndarray) -> None:
    bridged = bridge_pauses(active, longest_ms=200)
    spoken = np.flatnonzero(active)
    expected = active.copy()
    for before, after in pairwise(spoken):
        if after - before - 1 <= 10:  # 10 frames of 20 ms
            expected[before:after] = True
    inside = slice(spoken[0], spoken[-1] + 1) if len(spoken) else slice(0)
    assert bridged[inside].tolist() == expected[inside].tolist()


def test_frames_are_20_ms() -> None:
    assert FRAME_SAMPLES == 320
