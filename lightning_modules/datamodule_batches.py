"""Training batches by number, and the stream of them that survives a kill.

Legend: B labelled clips, U unlabelled clips, T samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lightning_modules.audio import PCM16_SCALE
from lightning_modules.datamodule_held import Held
from lightning_modules.datamodule_places import places
from lightning_modules.labels import Label
from lightning_modules.mixtures import Mixtures
from search_spaces.clip import CLIP_SAMPLES

Batch = dict[str, dict[str, Tensor]]

LABELLED, UNLABELLED = 0, 1  # streams of the shuffles
_PREFETCH = 2  # batches that a worker prepares ahead


class BatchPart(Protocol):
    """Clips of another kind in every batch.

    Attributes:
        labelled: so many of B.
        unlabelled: so many of U.
    """

    labelled: int
    unlabelled: int

    def join(self, batch: Batch, step: int) -> Batch:
        """Batch ``step`` with these clips among its other ones."""
        ...


class TrainBatches(Dataset[Batch]):
    """Batch ``step`` of training, always the same: a function of the seed and the step alone.

    Labelled and unlabelled clips are each taken in passes that see every clip once, shuffled anew
    for each pass. Nothing here knows the count of an unlabelled clip.

    Args:
        mixtures: clips of the training readers that reveal no more than the labelled counts.
        held: the labelled ones, which come again and again, in the form in which they are kept.
        labels: the training labels.
        pool_clips: clips 0..pool_clips-1 exist; those without a label are the unlabelled ones.
        labelled_batch_size: B.
        unlabelled_batch_size: U; 0 for none.
        seed: entropy of the order.
        parts: other clips, of real recordings or sums, that take their shares of B and U.
        answers: float32 [N, K], what other nets say of clip N of the mixtures; None for nothing.
    """

    def __init__(
        self,
        mixtures: Mixtures,
        held: Held,
        labels: Sequence[Label],
        pool_clips: int,
        labelled_batch_size: int,
        unlabelled_batch_size: int,
        seed: int,
        parts: Sequence[BatchPart] = (),
        answers: NDArray[np.float32] | None = None,
    ) -> None:
        self._mixtures = mixtures
        self._held = held
        self._labels = labels
        self._unlabelled_clips = pool_clips - len(labels)
        self._parts = parts
        self._labelled_batch_size = labelled_batch_size - sum(part.labelled for part in parts)
        self._unlabelled_batch_size = unlabelled_batch_size - sum(part.unlabelled for part in parts)
        self._seed = seed
        self._answers = answers

    def __getitem__(self, step: int) -> Batch:
        """The batch with int16 waveforms; see `AmbianceDataModule.batch`.

        Labelled clips that are held as features come as ``features`` float16 [B, 1, F, L] instead.
        Beside them lie the ``answers`` of other nets, float32 [B, K], if there are any.
        """
        labelled = [
            self._labels[place]
            for place in places(
                self._seed, LABELLED, step, self._labelled_batch_size, len(self._labels)
            )
        ]
        unlabelled = len(self._labels) + places(
            self._seed, UNLABELLED, step, self._unlabelled_batch_size, self._unlabelled_clips
        )
        batch = {
            "labelled": {
                self._held.form.field: torch.from_numpy(
                    np.stack([self._held.clip(label.index) for label in labelled])
                ),
                "lo": torch.tensor([label.lo for label in labelled]),
                "hi": torch.tensor([label.hi for label in labelled]),
            },
            "unlabelled": {"waveform": self._waveforms(unlabelled.tolist())},
        }
        if self._answers is not None:
            asked = [label.index for label in labelled]
            batch["labelled"]["answers"] = torch.from_numpy(self._answers[asked])
        for part in self._parts:
            batch = part.join(batch, step)
        return batch

    def _waveforms(self, indices: Sequence[int]) -> Tensor:
        waveforms = np.empty((len(indices), CLIP_SAMPLES), np.int16)
        for row, index in enumerate(indices):
            waveforms[row] = self._mixtures[index].samples
        return torch.from_numpy(waveforms)


class BatchStream:
    """Training batches from ``position`` on, one epoch per pass, made ahead by workers.

    `position` counts the batches that were handed out, over all epochs: not those that workers have
    prepared. It is the whole state, so a stream that starts at a saved position goes on exactly.

    Args:
        batches: what to hand out.
        steps_per_epoch: batches of one pass, its length.
        num_workers: processes that make batches; 0 makes them here.
        position: batches already handed out.
        rank: this process among ``world_size`` that train together, each with batches of its own.
        world_size: number of processes.
    """

    def __init__(
        self,
        batches: Dataset[Batch],
        steps_per_epoch: int,
        num_workers: int,
        position: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self._steps = _NextSteps(position, steps_per_epoch, rank, world_size)
        # The workers outlive an epoch, for they hold clips that come again (`TrainBatches`).
        self._loader = quiet_loader(
            batches,
            batch_size=None,
            sampler=self._steps,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
        )

    @property
    def position(self) -> int:
        """Batches that were handed out."""
        return self._steps.position

    @position.setter
    def position(self, position: int) -> None:
        self._steps.position = position

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Batch]:
        """The next ``steps_per_epoch`` batches, waveforms as float32."""
        for batch in self._loader:
            self.position += 1
            yield as_float(batch)

    def state_dict(self) -> dict[str, int]:
        """The number of batches handed out."""
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where the saved stream was."""
        self.position = state["position"]


class _NextSteps:
    """The numbers of the next epoch's batches, from the position at which it is asked for them."""

    def __init__(self, position: int, steps_per_epoch: int, rank: int, world_size: int) -> None:
        self.position = position
        self._steps_per_epoch = steps_per_epoch
        self._rank = rank
        self._world_size = world_size

    def __len__(self) -> int:
        return self._steps_per_epoch

    def __iter__(self) -> Iterator[int]:
        steps = range(self.position, self.position + self._steps_per_epoch)
        return (step * self._world_size + self._rank for step in steps)


def as_float(batch: Batch) -> Batch:
    """The batch with float32 clips, waveforms in [-1, 1); workers pass on 16 bits, half as much."""
    return {
        name: {field: _as_float(value) for field, value in part.items()}
        for name, part in batch.items()
    }


def _as_float(value: Tensor) -> Tensor:
    if value.dtype == torch.int16:
        return value.float().div_(PCM16_SCALE)
    return value.float() if value.dtype == torch.float16 else value


def quiet_loader(dataset: Any, num_workers: int, **options: Any) -> DataLoader[Any]:
    """A DataLoader that draws nothing from torch's global generator, which resumes rely on."""
    return DataLoader(
        dataset,
        num_workers=num_workers,
        generator=torch.Generator().manual_seed(0),
        prefetch_factor=_PREFETCH if num_workers else None,
        **options,
    )
