"""The data of a training run: speech, its splits, the label budget and the loaders.

Legend: B labelled clips, U unlabelled clips, V validation clips, T samples.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from lightning import LightningDataModule
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from lightning_modules.audio import Int16
from lightning_modules.datamodule_batches import (
    Batch,
    BatchStream,
    TrainBatches,
    as_float,
    quiet_loader,
)
from lightning_modules.datamodule_clips import TestClips, ValidationClips
from lightning_modules.labels import Budget, Label, budget_labels
from lightning_modules.mixtures import Mixtures
from lightning_modules.mixtures_open import (
    DEFAULT_ROOMS,
    ProtocolName,
    open_mixtures,
    prepare_protocol,
)
from lightning_modules.sources_cache import Speech, prepare_speech
from lightning_modules.splits import Split, split_readers
from search_spaces.errors import UserError
from search_spaces.files import sha256_file


class AmbianceDataModule(LightningDataModule):
    """Clips of 0..10 people, few of them labelled, from readers that no two splits share.

    Every clip is a function of the seed and its number, and every training batch of the seed and
    the step: the number of workers, the order and a resume change nothing.

    Args:
        speech: a folder of recordings (reader = parent folder, or LibriSpeech's layout),
            ``espeak``, ``espeak:<voices>``, ``librispeech:<root>/<subset>``, or a prepared folder
            of the cache.
        protocol: ``libricount`` (all speak throughout, equally loud) or ``rooms`` (reverberant
            rooms, turn-taking, noise) or ``multicondition`` (clips of both, in random order).
        labelled_clips: the label budget; 20 % of it goes to validation.
        pool_clips: how many different clips exist for training and validation, labelled or not.
        test_clips: clips of the test readers.
        labelled_batch_size: labelled clips of a training batch.
        unlabelled_batch_size: unlabelled clips of a training batch; 0 for none.
        eval_batch_size: clips of a validation or test batch.
        steps_per_epoch: training batches of an epoch.
        num_workers: processes that make clips while the model trains; 0 for none.
        seed: seed of mixtures and order.
        rooms: how many rooms the cached bank of room responses holds (where there are rooms).
        held_clips: labelled clips whose sound is kept, since they come again: 160 kB each, in
            every process that makes batches.
        voice_speed: each voice of a training clip is played at a random speed of its own, up to so
            much faster or slower: more speakers out of few (see `mixtures_parts.random_window`).
        labels: where `labels.csv` lies; ``labels.csv`` in the trainer's root folder if not given.
        cache: folder of prepared speech and rooms; $ERSAM_CACHE or ``.cache/ersam`` if not given.
        strict: refuse speech of which a recording cannot be used, instead of skipping that.
    """

    def __init__(
        self,
        speech: str,
        protocol: ProtocolName = "libricount",
        labelled_clips: int = 500,
        pool_clips: int = 100_000,
        test_clips: int = 1000,
        labelled_batch_size: int = 32,
        unlabelled_batch_size: int = 32,
        eval_batch_size: int = 50,
        steps_per_epoch: int = 200,
        num_workers: int = 1,
        seed: int = 0,
        rooms: int = DEFAULT_ROOMS,
        held_clips: int = 2000,
        voice_speed: float = 0.0,
        labels: str | None = None,
        cache: str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__()
        self.budget = Budget.of(labelled_clips, pool_clips)
        for least, fields in (
            (1, {"test_clips": test_clips, "labelled_batch_size": labelled_batch_size}),
            (1, {"eval_batch_size": eval_batch_size, "steps_per_epoch": steps_per_epoch}),
            (0, {"unlabelled_batch_size": unlabelled_batch_size, "num_workers": num_workers}),
            (0, {"seed": seed, "held_clips": held_clips}),
        ):
            for field, value in fields.items():
                if value < least:
                    raise UserError(f"{field}: {value}, expected at least {least}")
        if unlabelled_batch_size and self.budget.train_pool == self.budget.train_labelled:
            raise UserError(
                f"labelled_clips: {labelled_clips} leaves no clip of the pool unlabelled; raise"
                " pool_clips or set unlabelled_batch_size to 0"
            )
        self._speech_name = speech
        self._protocol = protocol
        self._labelled_clips = labelled_clips
        self._pool_clips = pool_clips
        self._test_clips = test_clips
        self._labelled_batch_size = labelled_batch_size
        self._unlabelled_batch_size = unlabelled_batch_size
        self._eval_batch_size = eval_batch_size
        self._steps_per_epoch = steps_per_epoch
        self._num_workers = num_workers
        self._seed = seed
        self._rooms = rooms
        self._held_clips = held_clips
        if not 0 <= voice_speed <= 0.5:
            raise UserError(f"voice_speed: {voice_speed}, expected 0 (off) to 0.5")
        self._voice_speed = voice_speed
        self._labels_file = labels
        self._cache = cache
        self._strict = strict
        self._speech: Speech | None = None
        self._labels: list[Label] = []
        self._position = 0
        self._stream: BatchStream | None = None

    def prepare_data(self) -> None:
        """Decode the speech and make the rooms, once; later runs find both in the cache.

        Raises:
            UserError: speech that is missing, unusable, or refused under ``strict``; no such
                protocol.
        """
        self._open_speech()
        prepare_protocol(self._protocol, self._rooms, self._cache)

    def setup(self, stage: str | None = None) -> None:
        """Open what `prepare_data` made, split the readers, and draw or verify the labels.

        Raises:
            UserError: too few readers, or a `labels.csv` of something else.
        """
        if stage in (None, "test"):
            self._test = self._open("test")
        self.train_clips = self._open("train", range(self.budget.train_labelled))
        if stage == "test":  # which needs calibration clips, but no labels
            return
        self._position, self._stream = 0, None  # a checkpoint, if any, is loaded after this
        validation = self._open("validation", range(self.budget.validation_labelled))
        self._labels = budget_labels(
            self.labels_file, self.budget, self._protocol, self._seed, self.train_clips, validation
        )
        self._batches = TrainBatches(
            self.train_clips,
            [label for label in self._labels if label.use == "train"],
            self.budget.train_pool,
            self._labelled_batch_size,
            self._unlabelled_batch_size,
            self._seed,
            self._held_clips,
        )
        rows = [label for label in self._labels if label.use == "validation"]
        self._validation = (
            np.stack([validation[row.index].samples for row in rows]),
            np.array([row.lo for row in rows], np.int64),
            np.array([row.hi for row in rows], np.int64),
        )

    @property
    def labels_file(self) -> Path:
        """Where `labels.csv` lies."""
        if self._labels_file is not None:
            return Path(self._labels_file)
        return Path(self.trainer.default_root_dir if self.trainer else ".", "labels.csv")

    def batch(self, step: int) -> Batch:
        """Training batch ``step`` of a run, counted over all epochs, of one process.

        Returns:
            ``{"labelled": {"waveform": float32 [B, T], "lo": int64 [B], "hi": int64 [B]},
            "unlabelled": {"waveform": float32 [U, T]}}``.
        """
        return as_float(self._batches[step])

    def train_dataloader(self) -> BatchStream:
        """The batches from the first that was not handed out yet; see `BatchStream`."""
        self._stream = BatchStream(
            self._batches,
            self._steps_per_epoch,
            self._num_workers,
            self._stream.position if self._stream else self._position,
            rank=self.trainer.global_rank if self.trainer else 0,
            world_size=self.trainer.world_size if self.trainer else 1,
        )
        return self._stream

    def val_dataloader(self) -> DataLoader[Any]:
        """The labelled validation clips in order: ``waveform`` [V, T], ``lo`` [V], ``hi`` [V]."""
        return self._eval_loader(ValidationClips(*self._validation))

    def test_dataloader(self) -> DataLoader[Any]:
        """Clips of the test readers; see `TestClips`."""
        return self._eval_loader(TestClips(self._test, self._test_clips))

    def validation_clips(self) -> tuple[Int16, NDArray[np.int64], NDArray[np.int64]]:
        """The labelled validation clips: int16 [V, T], lo int64 [V], hi int64 [V]."""
        return self._validation

    def calibration_clips(self, number: int) -> Int16:
        """At most ``number`` training clips, int16 [number, T].

        Unlabelled ones first; a small pool adds the sound of its labelled ones, or gives fewer.
        """
        labelled, pool = self.budget.train_labelled, self.budget.train_pool
        chosen = [*range(labelled, pool), *range(labelled)][:number]
        return np.stack([self.train_clips[index].samples for index in chosen])

    def provenance(self) -> dict[str, Any]:
        """What a model trained on this data should say about it; no names of people or folders."""
        speech = self._open_speech()
        return {
            "speech": speech.summary(),
            "readers": {
                split: len(readers) for split, readers in split_readers(speech.voices).items()
            },
            "protocol": self._protocol,
            "seed": self._seed,
            "labelled_clips": self._labelled_clips,
            "pool_clips": self._pool_clips,
            "voice_speed": self._voice_speed,
            "labels_sha256": sha256_file(self.labels_file),
        }

    def state_dict(self) -> dict[str, Any]:
        """The position in the training batches, and the labels that it belongs to."""
        return {
            "position": self._stream.position if self._stream else self._position,
            "labels_sha256": sha256_file(self.labels_file),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next `train_dataloader` go on at the saved position.

        Raises:
            UserError: `labels.csv` is not the one of the checkpoint.
        """
        if self._labels and state_dict["labels_sha256"] != sha256_file(self.labels_file):
            raise UserError(
                f"{self.labels_file}: not the labels that the checkpoint was trained with;"
                " put those back, or train anew without the checkpoint"
            )
        self._position, self._stream = state_dict["position"], None

    def _open_speech(self) -> Speech:
        if self._speech is None:  # also in a process that did not prepare
            self._speech = prepare_speech(self._speech_name, self._cache, self._strict)
        return self._speech

    def _open(self, split: Split, revealed: range | None = None) -> Mixtures:
        return open_mixtures(
            self._open_speech(),
            self._protocol,
            self._seed,
            split,
            self._rooms,
            self._cache,
            revealed,
            self._voice_speed if split == "train" else 0.0,
        )

    def _eval_loader(self, clips: Dataset[Any]) -> DataLoader[Any]:
        return quiet_loader(clips, self._num_workers, batch_size=self._eval_batch_size)
