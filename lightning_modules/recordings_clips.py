"""Clips of one length out of recordings of any: cut at random to train, in the middle to judge.

Legend: B clips, T samples of a clip, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lightning_modules.audio import Int16, from_pcm16
from lightning_modules.datamodule_batches import LABELLED, UNLABELLED, Batch
from lightning_modules.datamodule_places import places
from lightning_modules.recordings_extra import Extra
from lightning_modules.recordings_unlabelled import Unlabelled
from search_spaces.task_classes import ClassesTask

_EXTRA, _MORE = 2, 3  # streams of the shuffles
_MOST_OFTEN = 20  # against another recording: of very few the net would learn each by heart

Labels = tuple[NDArray[np.int64], NDArray[np.int64]]


def middle(sound: Int16, samples: int, task: ClassesTask) -> Int16:
    """The middle [T = ``samples``] of a long recording; a short one whole, as the task fills it."""
    if len(sound) >= samples:
        start = (len(sound) - samples) // 2
        return sound[start : start + samples]
    return task.fill(sound, samples)


def anywhere(sound: Int16, samples: int, rng: np.random.Generator) -> Int16:
    """A random stretch [T = ``samples``] of a long recording; a short one somewhere in silence."""
    spare = len(sound) - samples
    start = int(rng.integers(abs(spare) + 1))
    if spare >= 0:
        return sound[start : start + samples]
    return np.pad(sound, (start, -spare - start))


def labels_of(labels: Sequence[Sequence[str]], task: ClassesTask) -> Labels:
    """Lo and hi int64, [B] or where several may be right [B, K] (see `search_spaces.task`)."""
    if task.several:
        present = np.array([[name in row for name in task.names] for row in labels], np.int64)
        return present, present
    index = np.array([task.names.index(row[0]) for row in labels], np.int64)
    return index, index


class RecordingBatches(Dataset[Batch]):
    """Batch ``step`` of training, a function of the seed and the step alone.

    The unlabelled clips are of every training recording, labelled ones included; nothing here knows
    the labels of the others.

    Args:
        labelled: sounds int16 of the recordings in the budget.
        labels: theirs.
        pool: sounds int16 of all training recordings.
        task: of the labels.
        samples: T.
        labelled_batch_size: B.
        unlabelled_batch_size: clips without label; 0 for none.
        balanced: whether rare classes come as often as frequent ones.
        seed: entropy of the order and the cuts.
        extra: labelled recordings that take their part of B; None for none.
        unlabelled: further sound that takes its part of the unlabelled clips; None for none.
    """

    def __init__(
        self,
        labelled: Sequence[Int16],
        labels: Labels,
        pool: Sequence[Int16],
        task: ClassesTask,
        samples: int,
        labelled_batch_size: int,
        unlabelled_batch_size: int,
        balanced: bool,
        seed: int,
        extra: Extra | None = None,
        unlabelled: Unlabelled | None = None,
    ) -> None:
        self._labelled, self._labels, self._pool = labelled, labels, pool
        self._samples = samples
        self._sizes = (labelled_batch_size, unlabelled_batch_size)
        self._seed = seed
        self._turns = turns(labels, task, balanced)
        self._unlabelled = unlabelled
        self._extra = 0
        if extra is not None:
            more = labels_of([item.labels for item in extra.items], task)
            self._extra = extra.per_batch
            self._extra_turns = len(labelled) + turns(more, task, balanced)
            self._labelled = [*labelled, *extra.sounds]
            self._labels = (np.concatenate([labels[0], more[0]]),) * 2

    def __getitem__(self, step: int) -> Batch:
        """The batch with int16 waveforms; see `StreamDataModule.batch`."""
        size, unlabelled_size = self._sizes
        chosen = self._turns[
            places(self._seed, LABELLED, step, size - self._extra, len(self._turns))
        ]
        if self._extra:
            extra = places(self._seed, _EXTRA, step, self._extra, len(self._extra_turns))
            order = np.random.default_rng((self._seed, _EXTRA, step)).permutation(size)
            chosen = np.concatenate([chosen, self._extra_turns[extra]])[order]
        lo, hi = self._labels
        return {
            "labelled": {
                "waveform": self._cut(self._labelled, chosen, (LABELLED, step)),
                "lo": torch.from_numpy(lo[chosen]),
                "hi": torch.from_numpy(hi[chosen]),
            },
            "unlabelled": {"waveform": self._without_label(step, unlabelled_size)},
        }

    def _without_label(self, step: int, size: int) -> Tensor:
        more = self._unlabelled
        number = 0 if more is None else more.per_batch
        own = places(self._seed, UNLABELLED, step, size - number, len(self._pool))
        clips = self._cut(self._pool, own, (UNLABELLED, step))
        if more is None:
            return clips
        others = places(self._seed, _MORE, step, number, len(more.pieces))
        return torch.cat([clips, self._cut(more.pieces, others, (_MORE, step))])

    def _cut(
        self, sounds: Sequence[Int16], chosen: NDArray[np.int64], draw: tuple[int, int]
    ) -> Tensor:
        rng = np.random.default_rng((self._seed, *draw, 1))
        clips = np.empty((len(chosen), self._samples), np.int16)
        for row, place in enumerate(chosen):
            clips[row] = anywhere(sounds[place], self._samples, rng)
        return torch.from_numpy(clips)


def turns(labels: Labels, task: ClassesTask, balanced: bool) -> NDArray[np.int64]:
    """The places of B recordings, each as often as it comes in a pass: int64 [at least B]."""
    number = len(labels[0])
    return np.repeat(np.arange(number), balance(labels, task) if balanced else 1)


def balance(labels: Labels, task: ClassesTask) -> NDArray[np.int64]:
    """How often each recording is to come, so that classes come about equally often: int64 [B].

    Args:
        labels: of B recordings.
        task: of the labels; where several may be right, a recording's rarest class decides.
    """
    present = labels[0] if task.several else np.eye(len(task.names), dtype=np.int64)[labels[0]]
    clips = np.maximum(present.sum(axis=0), 1)
    wanted = np.where(present > 0, clips.max() / clips, 1.0).max(axis=1)
    return np.clip(np.rint(wanted), 1, _MOST_OFTEN).astype(np.int64)


class RecordingClips(Dataset[dict[str, Any]]):
    """Items of ``waveform`` float32 [T], ``lo`` and ``hi``, to be judged.

    Args:
        sounds: int16 of the recordings.
        labels: theirs.
        cut: a clip int16 [T] of a recording.
    """

    def __init__(
        self, sounds: Sequence[Int16], labels: Labels, cut: Callable[[Int16], Int16]
    ) -> None:
        self._sounds, self._labels, self._cut = sounds, labels, cut

    def __len__(self) -> int:
        return len(self._sounds)

    def __getitem__(self, place: int) -> dict[str, Any]:
        lo, hi = self._labels
        return {
            "waveform": torch.from_numpy(from_pcm16(self._cut(self._sounds[place]))),
            "lo": lo[place],
            "hi": hi[place],
        }
