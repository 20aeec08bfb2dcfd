"""The data of `task: embedding`: unlabelled recordings, and a teacher that has heard them, if any.

Legend: V validation clips, T samples, D dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from lightning_modules.audio import Int16
from lightning_modules.checkpoint_settings import ANOTHER_FOLDER
from lightning_modules.datamodule_clips import ValidationClips
from lightning_modules.datamodule_recordings import RecordingsDataModule
from lightning_modules.embedding_clips import (
    PairBatches,
    Stretch,
    TargetBatches,
    cut,
    near_pair,
    other_views,
    stretches_of,
)
from lightning_modules.embedding_recordings import files_of, read_unlabelled, without_labels
from lightning_modules.embedding_targets import Units, teacher_says, units_of
from lightning_modules.ranges import check_least, check_speed
from lightning_modules.recordings import named_root
from lightning_modules.recordings_budget import Budget, check_unheard, write_or_check
from lightning_modules.recordings_cache import Sounds
from lightning_modules.recordings_split import Splits, split_recordings
from lightning_modules.splits import SPLITS, Split
from lightning_modules.teacher_files import read_teacher
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.files import sha256_file
from search_spaces.spaces import get_space
from search_spaces.task_embedding import EmbeddingTask, ProximityTask, TeacherTask

MOST_PAIRS = 4  # of one recording that validate, where there are few recordings


class EmbeddingDataModule(RecordingsDataModule):
    """Recordings without labels: clips with a teacher's embedding, or pairs of clips near in time.

    Args:
        root: any folder of speech (reader = parent folder, or LibriSpeech's layout), or a CSV.
        space: whose clips are heard (set from ``model.space``).
        teacher: file of the teacher whose embedding is learned, or ``torchaudio:NAME``
            (`teacher_files.read_teacher`); None to learn from proximity in time.
        teacher_rate_hz: at which the teacher hears, where its file does not say it.
        teacher_samples: that it hears at once, where its file does not say it.
        views: clips of each stretch of the training recordings that the teacher is asked about: the
            stretch itself, and ``views - 1`` near it, each at another speed.
        view_speed: further views are played up to so much faster or slower; 0 for none.
        view_channels: further views are heard through a microphone, room and line of their own
            (`view_channels.through_channel`), by the teacher as well.
        dimensions: D of an embedding without a teacher, 128 if not given; a teacher has its own.
        proximity_s: seconds between the beginnings of two clips that belong together at most (TRILL
            takes recordings of 10 s); of an embedding without a teacher.
        batch_size: clips of a training batch; of pairs an even number.
        eval_batch_size: clips of a validation or test batch.
        validation_clips: at most so many clips validate, and as many test.
        steps_per_epoch: training batches of an epoch.
        num_workers: processes that make clips while the model trains; 0 for none.
        seed: seed of the order.
        labels: where `labels.csv` lies, which lists the recordings; in the trainer's root folder if
            not given.
        cache: folder of decoded recordings and of what teachers said; $ERSAM_CACHE or
            ``.cache/ersam`` if not given.
        strict: refuse recordings that cannot be used, instead of skipping them.

    Raises:
        UserError: a value out of range; no recordings; a teacher that cannot be one.
    """

    earlier_settings: ClassVar[Mapping[str, Any]] = {"view_channels": False}

    def __init__(
        self,
        root: str,
        space: str = "sam-lite",
        teacher: str | None = None,
        teacher_rate_hz: int | None = None,
        teacher_samples: int | None = None,
        views: int = 1,
        view_speed: float = 0.15,
        view_channels: bool = False,
        dimensions: int | None = None,
        proximity_s: float = 10.0,
        batch_size: int = 64,
        eval_batch_size: int = 50,
        validation_clips: int = 400,
        steps_per_epoch: int = 200,
        num_workers: int = 1,
        seed: int = 0,
        labels: str | None = None,
        cache: str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(eval_batch_size, steps_per_epoch, num_workers, labels, seed, cache, strict)
        check_least(batch_size=(batch_size, 4), validation_clips=(validation_clips, 4))
        check_least(seed=(seed, 0), views=(views, 1))
        check_speed("view_speed", view_speed)
        if teacher is None and views > 1:
            raise UserError(f"views: {views} is of a teacher's answers; give data.teacher, or 1")
        if view_channels and views == 1:
            raise UserError("view_channels: true is of further views; give data.views 2 or more")
        if batch_size % 2:
            raise UserError(f"batch_size: {batch_size}, expected an even number: clips are paired")
        if not 0 < proximity_s < math.inf:
            raise UserError(f"proximity_s: {proximity_s:g}, expected more than 0 seconds")
        if teacher is not None and dimensions is not None:
            raise UserError(f"dimensions: {dimensions} is given, but the teacher has its own")
        self.samples = get_space(space).clip_samples
        self._items = read_unlabelled(named_root(root))
        self._teacher = None
        if teacher is not None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
            self._teacher = read_teacher(
                Path(teacher), self.samples, teacher_rate_hz, teacher_samples, device
            )
        self._task: EmbeddingTask = (
            ProximityTask(dimensions or 128)
            if self._teacher is None
            else TeacherTask(self._teacher.dimensions)
        )
        self._farthest_samples = round(proximity_s * SAMPLE_RATE_HZ)
        self._views, self._view_speed = views, view_speed
        self._view_channels = view_channels
        self._batch_size = batch_size
        self._validation_clips = validation_clips
        self._units: Units | None = None

    @property
    def task(self) -> EmbeddingTask:
        """Meeting the teacher, or keeping together what is near in time."""
        return self._task

    def prepare_data(self) -> None:
        """Decode the recordings and ask the teacher, once; later runs find both in the cache.

        Raises:
            UserError: no recording can be used, or one cannot under ``strict``.
        """
        sounds = self._open()
        splits = self._split(sounds)
        for split in SPLITS:
            self._said(sounds, self._stretches(sounds, splits, split))

    def setup(self, stage: str | None = None) -> None:
        """Split the recordings by reader, and choose the clips.

        Raises:
            UserError: see `recordings_split.split_recordings`; a `labels.csv` of other recordings,
                or of one that would test; a teacher that answers all clips alike.
        """
        sounds = self._open()
        splits = self._split(sounds)
        self._splits = splits
        self._say(sounds, splits, [*splits.remarks, *self._short(sounds, splits)])
        training = self._stretches(sounds, splits, "train")
        said = self._said(sounds, training)
        if self._teacher is not None:
            self._units = units_of(said, self._teacher.name)
        if stage in (None, "test"):
            self._test = self._judged(sounds, splits, "test")
        if stage == "test":
            tested = [sounds.items[place] for place in splits.places["test"]]
            check_unheard(self.labels_file, tested)
            return
        self._rewind()
        budget = Budget(splits.places["train"], splits.places["validation"], [])
        write_or_check(self.labels_file, without_labels(sounds.items), budget)
        self._training = training
        if self._units is None:
            heard = [sounds.samples[place] for place in splits.places["train"]]
            files = files_of(sounds.items[place] for place in splits.places["train"])
            if len(heard) and not files.any():
                raise UserError(
                    "root: all recordings that train are of one file, so that none is far from"
                    " another; add recordings, or give data.teacher"
                )
            self._batches = PairBatches(
                heard,
                files,
                self.samples,
                self._batch_size // 2,
                self._farthest_samples,
                self._seed,
            )
        else:
            self._batches = TargetBatches(
                sounds.samples,
                training,
                self._units.of(said),
                self._task,
                self.samples,
                self._batch_size,
                self._seed,
            )
        self._validation = self._judged(sounds, splits, "validation")

    def val_dataloader(self) -> DataLoader[Any]:
        """The validation clips in order: ``waveform`` [V, T], ``lo``, ``hi``."""
        return self._eval_loader(ValidationClips(*self.validation_clips()))

    def test_dataloader(self) -> DataLoader[Any]:
        """Clips of the test split's readers.

        Raises:
            UserError: a CSV's column ``split`` names no test.
        """
        if not self._splits.places["test"]:
            raise UserError("root: no recording is in the test split")
        clips, labels = self._test
        return self._eval_loader(ValidationClips(clips, labels, labels))

    def validation_clips(self) -> tuple[Int16, NDArray[Any], NDArray[Any]]:
        """The validation clips: int16 [V, T], and what is learned of them, twice (see `Task`)."""
        clips, labels = self._validation
        return clips, labels, labels

    def calibration_clips(self, number: int) -> Int16:
        """At most ``number`` training clips, int16 [number, T], spread over the recordings."""
        order = np.random.default_rng(self._seed).permutation(len(self._training))[:number]
        chosen = [self._training[place] for place in order]
        return cut(self._open().samples, chosen, self.samples, self._task)

    def provenance(self) -> dict[str, Any]:
        """As of all recordings, and the teacher, if any."""
        teacher = self._teacher
        return {
            **super().provenance(),
            "training_clips": len(self._training),
            "labels": "none",
            "labels_sha256": sha256_file(self.labels_file),
            "teacher_sha256": None if teacher is None else teacher.sha256,
            "views": self._views,
            "view_speed": self._view_speed if self._views > 1 else None,
            "view_channels": self._view_channels and self._views > 1,
            "teacher_layer": None if teacher is None else teacher.layer,
            "teacher_bytes": None if teacher is None else teacher.bytes,
            "teacher_spread": None if self._units is None else self._units.spread,
            "proximity_s": self._farthest_samples / SAMPLE_RATE_HZ if teacher is None else None,
        }

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on, by option, as plain values."""
        return {
            "views": self._views,
            "view_speed": self._view_speed,
            "view_channels": self._view_channels,
            "proximity_s": self._farthest_samples / SAMPLE_RATE_HZ,
            "batch_size": self._batch_size,
            "teacher_samples": None if self._teacher is None else self._teacher.samples,
        }

    def state_dict(self) -> dict[str, Any]:
        """As of every task, and the teacher."""
        return {**super().state_dict(), "teacher": self._identity}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on at the saved position.

        Raises:
            UserError: another teacher, or other recordings, than those of the checkpoint.
        """
        if state_dict["teacher"] != self._identity:
            raise UserError(
                "data.teacher: not the one that the checkpoint learned from; give that, or choose"
                f" {ANOTHER_FOLDER}"
            )
        super().load_state_dict(state_dict)

    @property
    def _identity(self) -> str | None:
        return None if self._teacher is None else self._teacher.identity

    def _split(self, sounds: Sounds) -> Splits:
        return split_recordings(sounds.items, sounds.digests)

    def _stretches(self, sounds: Sounds, splits: Splits, split: Split) -> list[Stretch]:
        """All clips of training, and further views of them; of the others an even choice."""
        places = splits.places[split]
        found = stretches_of([sounds.samples[place] for place in places], self.samples)
        every = [stretch._replace(sound=places[stretch.sound]) for stretch in found]
        if split == "train":
            return every + other_views(
                every,
                sounds.samples,
                self.samples,
                self._views - 1,
                self._view_speed,
                self._seed,
                self._view_channels,
            )
        if len(every) <= self._validation_clips:
            return every
        order = np.random.default_rng((self._seed, SPLITS.index(split))).permutation(len(every))
        return [every[at] for at in sorted(order[: self._validation_clips])]

    def _said(self, sounds: Sounds, chosen: list[Stretch]) -> NDArray[np.float32]:
        if self._teacher is None:
            return np.empty((len(chosen), 0), np.float32)
        return teacher_says(
            self._teacher,
            sounds.samples,
            sounds.digests,
            chosen,
            self.samples,
            self._task,
            self._cache,
        )

    def _judged(self, sounds: Sounds, splits: Splits, split: Split) -> tuple[Int16, NDArray[Any]]:
        """Clips int16 [V, T] with the teacher's embeddings, or pairs with their recording's."""
        chosen = self._stretches(sounds, splits, split)
        if self._units is not None:
            clips = cut(sounds.samples, chosen, self.samples, self._task)
            return clips, self._units.of(self._said(sounds, chosen))
        rng = np.random.default_rng((self._seed, SPLITS.index(split), 1))
        heard = splits.places[split]
        if len(heard) > self._validation_clips // 2:
            heard = sorted(rng.permutation(heard)[: self._validation_clips // 2])
        each = min(MOST_PAIRS, max(1, self._validation_clips // (2 * max(1, len(heard)))))
        pairs = [
            near_pair(sounds.samples[place], self.samples, self._farthest_samples, rng)
            for place in heard
            for _ in range(each)
        ]
        empty = np.empty((0, self.samples), np.int16)
        files = files_of(sounds.items[place] for place in heard)
        return np.concatenate([empty, *pairs]), np.repeat(files, 2 * each)

    def _short(self, sounds: Sounds, splits: Splits) -> list[str]:
        """What to say of recordings in which pairs find too little room, and too few others."""
        if self._teacher is not None:
            return []
        said, judged = [], [sounds.items[place] for place in splits.places["validation"]]
        if judged and not files_of(judged).any():
            said.append(
                "all recordings that validate are of one file, so neighbour_error is 0 whatever the"
                " net; more files, or speakers named otherwise, would judge it"
            )
        short = sum(len(sound) < 2 * self.samples for sound in sounds.samples)
        if 2 * short <= len(sounds.samples):
            return said
        return [
            *said,
            f"half of the recordings are shorter than two clips of"
            f" {self.samples / SAMPLE_RATE_HZ:g} s, so that pairs overlap and teach little;"
            " longer recordings, or a space of shorter clips (events-1s), would teach more",
        ]
