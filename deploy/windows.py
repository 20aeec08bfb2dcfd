"""An audio file of any rate, length and channels as windows of a clip each, in constant memory.

Letters: T samples of a window, N samples of a block.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from lightning_modules.audio import MIN_SECONDS, UNKNOWN_LENGTH_FRAMES, read_blocks
from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.errors import UserError, describe_os_error
from search_spaces.task import Task
from search_spaces.task_counts import CountsTask

COUNTS = CountsTask()
MIN_SOUND_SAMPLES = int(MIN_SECONDS * SAMPLE_RATE_HZ)  # less new sound is not worth a window


class Window(NamedTuple):
    """One window; ``end_s`` is where its sound first ends."""

    start_s: float
    end_s: float
    waveform: NDArray[np.float32]  # [T] at 16 kHz, peak at most 1
    gain: float = 1.0  # by which its sound was multiplied for that


def windows(path: Path) -> Iterator[Window]:
    """Cut an audio file in which people are counted into windows, one after the other; see `cut`.

    Raises:
        UserError: a file that cannot be read to its end, holds NaN, or less sound than
            `Task.shortest_seconds`; windows before the fault have been given by then.
    """
    yield from cut(blocks_of(path, COUNTS), CLIP_SAMPLES)


def blocks_of(path: Path, task: Task) -> Iterator[NDArray[np.float32]]:
    """The sound of a file at 16 kHz as consecutive blocks [N].

    Raises:
        UserError: as `windows`, and where the operating system refuses.
    """
    try:
        yield from read_blocks(path, min_seconds=task.shortest_seconds)
    except OSError as error:
        error.filename = path
        raise UserError(f"{describe_os_error(error)}; make it readable, or leave it out") from None


def cut(
    blocks: Iterable[NDArray[np.float32]],
    hop_samples: int,
    samples: int = CLIP_SAMPLES,
    task: Task = COUNTS,
) -> Iterator[Window]:
    """Cut consecutive blocks [N] at 16 kHz into windows [T = ``samples``] every ``hop_samples``.

    Windows that fit whole are all given. What remains becomes a last window, filled up as the task
    does (`Task.fill`), when it holds at least 0.5 s that no earlier window holds, or is all there
    is.
    """
    held = np.empty(0, dtype=np.float32)  # what earlier blocks have left, from `start` on
    total = 0  # samples received so far
    start = 0  # of the next window
    covered = 0  # samples that some window holds
    for block in blocks:
        block_start, total = total, total + len(block)
        held_start = block_start - len(held)
        border = np.concatenate([held, block[:samples]])  # only windows across it are copied
        while start + samples <= total:
            sound, offset = (border, held_start) if start < block_start else (block, block_start)
            yield _window(start, sound[start - offset : start - offset + samples], samples, task)
            covered = start + samples
            start += hop_samples
        held = border[start - held_start :] if start < block_start else block[start - block_start :]
    if total - max(start, covered) >= MIN_SOUND_SAMPLES or (total and not covered):
        yield _window(start, held, samples, task)


def _window(start: int, sound: NDArray[np.float32], samples: int, task: Task) -> Window:
    """One window of at most T samples of sound.

    Where people are counted a short one is repeated and not padded with silence: to a net that
    hears 5 s, a silent end is a long pause of everybody, which lowers its estimate of many voices
    (docs/predict.md).
    """
    end = start + len(sound)
    # Float files need not keep to full scale; a count does not depend on the gain, the range does.
    peak, gain = max(float(sound.max()), -float(sound.min())), 1.0
    if peak > 1.0:
        gain = 1.0 / peak
        sound = sound / np.float32(peak)
    if len(sound) < samples:
        sound = task.fill(sound, samples)
    return Window(start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ, sound, gain)


def duration_s(path: Path) -> float | None:
    """Length that the file's header states; None where it states none or cannot be read."""
    try:
        if not path.is_file():  # a pipe without a writer would be waited for
            return None
        info = soundfile.info(os.fsencode(path))
    except (soundfile.SoundFileError, TypeError, OSError):
        return None
    return info.duration if info.frames < UNKNOWN_LENGTH_FRAMES else None
