"""Which clips an embedding learns from: stretches one after the other, or pairs near in time.

B clips, T samples of a clip, D dimensions of the teacher, W stretches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from lightning_modules.audio import Int16
from lightning_modules.datamodule_batches import LABELLED, Batch
from lightning_modules.datamodule_places import places
from lightning_modules.recordings_clips import anywhere
from lightning_modules.view_channels import through_channel
from search_spaces.task_embedding import EmbeddingTask


class Stretch(NamedTuple):
    """A clip of a recording: its place in the list of sounds, its first sample, how it is heard."""

    sound: int
    start: int
    speed: float = 1.0  # at which it is played
    channel: int = 0  # through which it is heard, see `view_channels.through_channel`; 0 for none


def stretches_of(sounds: Sequence[Int16], samples: int) -> list[Stretch]:
    """Clips of T samples one after the other; a last one of less than half of T is left out."""
    return [
        Stretch(place, start)
        for place, sound in enumerate(sounds)
        for start in range(0, max(1, len(sound) - samples // 2), samples)
    ]


def other_views(
    chosen: Sequence[Stretch],
    sounds: Sequence[Int16],
    samples: int,
    views: int,
    widest_speed: float,
    seed: int,
    channels: bool = False,
) -> list[Stretch]:
    """So many further clips near each stretch, moved by up to half a clip, each at its own speed.

    A small net learns a few thousand answers by heart; a teacher has as many as it is asked for.

    Args:
        chosen: W stretches.
        sounds: the recordings.
        samples: T.
        views: of each stretch.
        widest_speed: speeds lie between ``1 / (1 + x)`` and ``1 + x``, evenly in their log.
        seed: of the places, speeds and channels.
        channels: each is heard through a channel of its own.
    """
    rng = np.random.default_rng((seed, samples))
    of_channels = np.random.default_rng((seed, samples, 1))
    bound = math.log1p(widest_speed)
    found = []
    for _ in range(views):
        moves = rng.integers(-samples // 2, samples // 2, len(chosen), endpoint=True)
        speeds = np.exp(rng.uniform(-bound, bound, len(chosen)))
        seeds = of_channels.integers(1, 2**31, len(chosen)) * channels
        drawn = zip(chosen, moves.tolist(), speeds.tolist(), seeds.tolist(), strict=True)
        for stretch, move, speed, channel in drawn:
            last = len(sounds[stretch.sound]) - math.ceil(samples * speed) - 1
            start = min(max(stretch.start + move, 0), max(last, 0))
            found.append(Stretch(stretch.sound, start, round(speed, 4), channel))
    return found


def cut(
    sounds: Sequence[Int16], chosen: Sequence[Stretch], samples: int, task: EmbeddingTask
) -> Int16:
    """The sound of stretches, int16 [W, T]; what a recording lacks is filled as the task does."""
    clips = np.empty((len(chosen), samples), np.int16)
    for row, (place, start, speed, channel) in enumerate(chosen):
        reach = samples if speed == 1 else math.ceil(samples * speed) + 1
        heard = _at_speed(np.asarray(sounds[place][start : start + reach]), speed)[:samples]
        clips[row] = task.fill(through_channel(heard, channel) if channel else heard, samples)
    return clips


def _at_speed(sound: Int16, speed: float) -> Int16:
    """A sound played faster or slower, by linear interpolation."""
    if speed == 1:
        return sound
    places = np.arange(0, len(sound) - 1, speed)
    return np.rint(np.interp(places, np.arange(len(sound)), sound)).astype(np.int16)


class TargetBatches(Dataset[Batch]):
    """Batch ``step`` of clips with the teacher's embedding, a function of seed and step alone.

    Args:
        sounds: int16, of the training recordings.
        chosen: the W clips, always the same, for the teacher has heard these.
        targets: float32 [W, D], the teacher's embeddings of them.
        task: fills clips.
        samples: T.
        batch_size: B.
        seed: entropy of the order.
    """

    def __init__(
        self,
        sounds: Sequence[Int16],
        chosen: Sequence[Stretch],
        targets: NDArray[np.float32],
        task: EmbeddingTask,
        samples: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self._sounds, self._chosen, self._targets = sounds, chosen, targets
        self._task = task
        self._samples = samples
        self._batch_size = batch_size
        self._seed = seed

    def __getitem__(self, step: int) -> Batch:
        """The batch with int16 waveforms; see `StreamDataModule.batch`."""
        at = places(self._seed, LABELLED, step, self._batch_size, len(self._chosen))
        clips = cut(self._sounds, [self._chosen[i] for i in at], self._samples, self._task)
        return batch_of(clips, self._targets[at], self._targets[at])


class PairBatches(Dataset[Batch]):
    """Batch ``step`` of pairs: two clips of a recording, near in time, labelled by its number.

    ``hi`` is the number of the file: other stretches of it are neither near nor far.

    Args:
        sounds: int16, of the training recordings.
        files: int64, the file of each.
        samples: T.
        pairs: B / 2.
        farthest_samples: between the beginnings of the two clips at most.
        seed: entropy of the order and the cuts.
    """

    def __init__(
        self,
        sounds: Sequence[Int16],
        files: NDArray[np.int64],
        samples: int,
        pairs: int,
        farthest_samples: int,
        seed: int,
    ) -> None:
        self._sounds, self._files = sounds, files
        self._samples = samples
        self._pairs = pairs
        self._farthest_samples = farthest_samples
        self._seed = seed

    def __getitem__(self, step: int) -> Batch:
        """The batch with int16 waveforms; see `StreamDataModule.batch`."""
        at = places(self._seed, LABELLED, step, self._pairs, len(self._sounds))
        rng = np.random.default_rng((self._seed, LABELLED, step, 1))
        near = [near_pair(self._sounds[i], self._samples, self._farthest_samples, rng) for i in at]
        return batch_of(np.concatenate(near), np.repeat(at, 2), np.repeat(self._files[at], 2))


def near_pair(sound: Int16, samples: int, farthest_samples: int, rng: np.random.Generator) -> Int16:
    """Two clips, int16 [2, T], that begin at most ``farthest_samples`` apart.

    They do not overlap where the recording is long enough for that. Of one that is shorter than a
    clip both lie somewhere in silence.
    """
    last = len(sound) - samples
    if last <= 0:
        return np.stack([anywhere(sound, samples, rng) for _ in range(2)])
    first = int(rng.integers(last + 1))
    reach = max(farthest_samples, 1)
    low, high = max(0, first - reach), min(last, first + reach)
    apart = [start for start in (low, high) if abs(start - first) >= samples]
    if not apart:  # overlapping as little as it goes
        second = low if first - low > high - first else high
    elif rng.choice(apart) == high:
        second = int(rng.integers(first + samples, high + 1))
    else:
        second = int(rng.integers(low, first - samples + 1))
    return np.stack([sound[start : start + samples] for start in (first, second)])


def batch_of(clips: Int16, lo: NDArray[Any], hi: NDArray[Any]) -> Batch:
    """A batch of labelled clips alone, int16 [B, T], as every task has it."""
    labels = {"lo": torch.from_numpy(lo), "hi": torch.from_numpy(hi)}
    return {
        "labelled": {"waveform": torch.from_numpy(clips), **labels},
        "unlabelled": {"waveform": torch.empty(0, clips.shape[1], dtype=torch.int16)},
    }
