"""Turn-taking: who has the word when.

Legend: K people, T samples, F frames of 20 ms.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from lightning_modules.audio import Float32
from lightning_modules.audio_activity import FRAME_MS, FRAME_SAMPLES

_TURN_RANGE_MS = (800, 4000)
_PAUSE_RANGE_MS = (300, 2000)
TOGETHER_MS = 600  # at least so long do those speak at once who shall

_RISE = np.linspace(0, 1, FRAME_SAMPLES, dtype=np.float32)  # turns fade in and out over 20 ms


def draw_turns(
    rng: np.random.Generator,
    people: int,
    together: int,
    frames: int,
    first: int,
    throughout: Collection[int] = (),
) -> NDArray[np.bool_]:
    """Turns with pauses between them, never more than ``together`` at the same time.

    The first ``together`` people all have a turn at one common moment. The others talk when there
    is room: a turn of theirs that would be one too many is not taken.

    Args:
        rng: source of randomness.
        people: K.
        together: how many speak at the common moment.
        frames: F.
        first: the common moment lies after this frame.
        throughout: which of the first ``together`` have one turn that never ends.

    Returns:
        bool [K, F].
    """
    half = TOGETHER_MS // FRAME_MS // 2
    moment = int(rng.integers(first + half, frames - half))
    turns = np.zeros((people, frames), bool)
    turns[list(throughout)] = True
    for person in range(people):
        if person in throughout:
            continue
        length = _frames(rng, _TURN_RANGE_MS)
        if person < together:
            start = moment + half - int(rng.integers(2 * half, length + 1))
        else:
            start = int(rng.integers(-length, frames))
        for begin, end in _around(rng, start, start + length, frames):
            if person < together or (turns[:, begin:end].sum(axis=0) < together).all():
                turns[person, begin:end] = True
    return turns


def to_gates(turns: NDArray[np.bool_]) -> Float32:
    """Turns bool [K, F] to gates float32 [K, T = F * 320] that fade over a turn's edge frames."""
    gates = np.repeat(turns, FRAME_SAMPLES, axis=1).astype(np.float32)
    framed = gates.reshape(*turns.shape, FRAME_SAMPLES)
    framed[:, 1:][turns[:, 1:] & ~turns[:, :-1]] *= _RISE
    framed[:, :-1][turns[:, :-1] & ~turns[:, 1:]] *= _RISE[::-1]
    return gates


def _around(
    rng: np.random.Generator, start: int, end: int, frames: int
) -> Iterator[tuple[int, int]]:
    """A turn from ``start`` to ``end`` and, with pauses, the person's others before and after."""
    yield max(start, 0), end
    while end < frames:
        begin = end + _frames(rng, _PAUSE_RANGE_MS)
        end = begin + _frames(rng, _TURN_RANGE_MS)
        yield begin, end
    while start > 0:
        end = start - _frames(rng, _PAUSE_RANGE_MS)
        start = end - _frames(rng, _TURN_RANGE_MS)
        yield max(start, 0), max(end, 0)


def _frames(rng: np.random.Generator, range_ms: tuple[int, int]) -> int:
    return int(rng.uniform(*range_ms) / FRAME_MS)
