"""The data of a training run: speech, its splits, the label budget and the loaders.

Legend: B labelled clips, U unlabelled clips, V validation clips, T samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from lightning_modules.answers import read_answers
from lightning_modules.audio import Int16
from lightning_modules.datamodule_base import StreamDataModule
from lightning_modules.datamodule_batches import BatchPart, TrainBatches
from lightning_modules.datamodule_clips import TestClips, ValidationClips
from lightning_modules.datamodule_fill import fill
from lightning_modules.datamodule_held import Held, HeldInMemory, HeldOnDisk, held_folder
from lightning_modules.datamodule_recorded import RecordedPart
from lightning_modules.datamodule_singles import SinglesSource
from lightning_modules.held_form import Features, HeldForm, Sound, features_of
from lightning_modules.labels import Budget, Label, budget_labels
from lightning_modules.mixtures import Mixtures
from lightning_modules.mixtures_open import (
    DEFAULT_ROOMS,
    ProtocolName,
    check_protocol,
    mixed_by,
    open_mixtures,
    prepare_protocol,
)
from lightning_modules.ranges import check_least, check_speed
from lightning_modules.singles_found import Found
from lightning_modules.sources_cache import Speech, cache_root, prepare_speech
from lightning_modules.spans import read_spans
from lightning_modules.spans_audio import prepare_recordings
from lightning_modules.spans_clips import RecordedClips, open_recorded
from lightning_modules.splits import Split, split_readers
from search_spaces.clip import CLIP_SAMPLES
from search_spaces.errors import UserError
from search_spaces.files import sha256_file
from search_spaces.spaces import any_space
from search_spaces.task import Task
from search_spaces.task_counts import CountsTask


class AmbianceDataModule(StreamDataModule):
    """Clips of 0..10 people, few of them labelled, from readers that no two splits share.

    Every clip is a function of the seed and its number, and every training batch of the seed and
    the step: the number of workers, the order and a resume change nothing.

    Args:
        speech: a folder of recordings (reader = parent folder, or LibriSpeech's layout),
            ``espeak``, ``espeak:<voices>``, ``librispeech:<root>/<subset>``, or a prepared folder
            of the cache.
        protocol: ``libricount`` (all speak throughout, equally loud), ``rooms`` (reverberant
            rooms, turn-taking, noise), ``varied`` (rooms or none, turns or none, each on its own),
            ``multicondition`` (clips of the first two, in random order) or ``allconditions`` (of
            all three).
        labelled_clips: the label budget.
        validation_clips: how many of them are for validation; 20 % if not given.
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
        held_on_disk: keep them in the cache instead, once for all processes and runs.
        held_features: keep there what the front end makes of them instead of their sound, so that
            a step begins with features (docs/training.md, "How long a step takes"). It is that of
            ``architecture``, or the only one of ``space``.
        architecture: an `architecture.json` (set from `model.architecture`).
        space: of the nets (set from `model.space`).
        voice_speed: each voice of a training clip is played at a random speed of its own, up to so
            much faster or slower: more speakers out of few (see `mixtures_parts.random_window`).
        labels: where `labels.csv` lies; ``labels.csv`` in the trainer's root folder if not given.
        cache: folder of prepared speech and rooms; $ERSAM_CACHE or ``.cache/ersam`` if not given.
        strict: refuse speech of which a recording cannot be used, instead of skipping that.
        recordings: a CSV of labelled spans of real recordings, which join the generated clips in
            training and validation (docs/data.md).
        recordings_share: their share of a training batch.
        answers: an `answers.npz` (`python -m deploy answers`): what other nets say of the labelled
            clips, of which the net then learns too (`model.labelled_loss.answers_share`). It goes
            with ``held_features``, where clips stay as they were asked about.
        singles_from: a `subnet.pt` or `supernet.pt`, trained with the same labels, that finds clips
            of one voice among the unlabelled ones; sums of these, with their count, join the
            labelled clips (`singles`). None for none.
        singles_share: of the sums in the labelled clips of a batch.
        singles_pool: unlabelled clips that it is asked about.
        singles_confidence: probability from which on it is believed.
    """

    def __init__(
        self,
        speech: str,
        protocol: ProtocolName = "libricount",
        labelled_clips: int = 500,
        validation_clips: int | None = None,
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
        held_on_disk: bool = False,
        held_features: bool = False,
        architecture: Path | None = None,
        space: str = "sam-lite",
        voice_speed: float = 0.0,
        labels: str | None = None,
        cache: str | None = None,
        strict: bool = False,
        recordings: str | None = None,
        recordings_share: float = 0.5,
        answers: str | None = None,
        singles_from: str | None = None,
        singles_share: float = 0.75,
        singles_pool: int = 10_000,
        singles_confidence: float = 0.6,
    ) -> None:
        super().__init__(eval_batch_size, steps_per_epoch, num_workers, labels)
        self.budget = Budget.of(labelled_clips, pool_clips, validation_clips)
        check_least(
            test_clips=(test_clips, 1),
            labelled_batch_size=(labelled_batch_size, 1),
            unlabelled_batch_size=(unlabelled_batch_size, 0),
            seed=(seed, 0),
            held_clips=(held_clips, 0),
            singles_pool=(singles_pool, 1),
        )
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
        self._seed = seed
        self._rooms = rooms
        self._held_clips = held_clips
        self._held_on_disk = held_on_disk or held_features
        if self._held_on_disk and not held_clips:
            raise UserError(
                "data.held_clips: 0, but data.held_on_disk or data.held_features keeps clips; give"
                " a number, or set both to false"
            )
        check_speed("voice_speed", voice_speed)
        self._voice_speed = voice_speed
        self._cache = cache
        self._strict = strict
        if recordings == "":  # would be the folder that one is in
            raise UserError("data.recordings: is empty; name a CSV, or null for none")
        self._spans = None if recordings is None else read_spans(Path(recordings))
        self._recordings_share = recordings_share
        self._recorded: RecordedClips | None = None
        self._speech: Speech | None = None
        if answers is not None and not held_features:
            raise UserError(
                "data.answers: given, but data.held_features is false: the nets were asked about"
                " clips as they are held, and sound is augmented; set held_features to true"
            )
        self._answers = None if answers is None else read_answers(Path(answers))
        self._singles: SinglesSource | None = None
        if singles_from is not None:
            self._singles = SinglesSource(
                Path(singles_from), singles_pool, singles_confidence, singles_share
            )
        self.held_form = self._form(held_features, architecture, space)

    @property
    def task(self) -> Task:
        """Counting people."""
        return CountsTask()

    def prepare_data(self) -> None:
        """Decode the speech and make the rooms, once; later runs find both in the cache.

        Raises:
            UserError: speech that is missing, unusable, or refused under ``strict``; no such
                protocol; too few rooms.
        """
        check_protocol(self._protocol, self._rooms)
        self._open_speech()
        if self._answers is not None:
            self._answers.check(self.budget.train_labelled, self._mixed_by(), self.task)
        prepare_protocol(self._protocol, self._rooms, self._cache)
        if self._spans is not None:
            prepare_recordings([span.path for span in self._spans], self._cache)
        if self._singles is not None:
            self._find(self._singles, self._open("train", range(0)))
        if self._held_on_disk:
            fill(self._on_disk(self._open("train", range(self.budget.train_labelled))))

    def setup(self, stage: str | None = None) -> None:
        """Open what `prepare_data` made, split the readers, and draw or verify the labels.

        Raises:
            UserError: too few readers, or a `labels.csv` of something else.
        """
        if stage in (None, "test"):
            self._test = self._open("test")
        self.train_clips = self._open("train", range(self.budget.train_labelled))
        if self._spans is not None:
            self._recorded = open_recorded(self._spans, self._cache)
        if stage == "test":  # which needs calibration clips, but no labels
            return
        self._rewind()
        validation = self._open("validation", range(self.budget.validation_labelled))
        held = self._held()
        labels = budget_labels(
            self.labels_file,
            self.budget,
            self._protocol,
            self._seed,
            held.count,
            lambda index: int(validation[index].count),
        )
        train_labels = [label for label in labels if label.use == "train"]
        self._batches = TrainBatches(
            self.train_clips,
            held,
            train_labels,
            self.budget.train_pool,
            self._labelled_batch_size,
            self._unlabelled_batch_size,
            self._seed,
            self._parts(held, train_labels),
            None if self._answers is None else self._answers.probabilities,
        )
        rows = [label for label in labels if label.use == "validation"]
        self._validation = (
            np.stack([validation[row.index].samples for row in rows]),
            np.array([row.lo for row in rows], np.int64),
            np.array([row.hi for row in rows], np.int64),
        )
        if self._recorded is not None:
            self._recorded.announce(self._protocol)
            clips, lo, hi = self._recorded.validation
            self._validation = (
                np.concatenate([self._validation[0], clips.stacked()]),
                np.concatenate([self._validation[1], lo]),
                np.concatenate([self._validation[2], hi]),
            )

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
        Recordings, if any, give their share.
        """
        labelled, pool = self.budget.train_labelled, self.budget.train_pool
        recorded = np.empty((0, CLIP_SAMPLES), np.int16)
        if self._recorded is not None:
            recorded = self._recorded.calibration(number, self._recordings_share)
        chosen = [*range(labelled, pool), *range(labelled)][: number - len(recorded)]
        return np.stack([self.train_clips[index].samples for index in chosen] + [*recorded])

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
            **({} if self._recorded is None else {"recordings": self._recorded.summary}),
            **({} if self._singles is None else {"singles": self._singles.summary}),
            **({} if self._answers is None else {"answers_of": list(self._answers.teachers)}),
        }

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on, by option, as plain values."""
        return {
            "pool_clips": self._pool_clips,
            "labelled_batch_size": self._labelled_batch_size,
            "unlabelled_batch_size": self._unlabelled_batch_size,
            "rooms": self._rooms,
            "held_features": isinstance(self.held_form, Features),
            "voice_speed": self._voice_speed,
            **({} if self._recorded is None else {"recordings_share": self._recordings_share}),
            **({} if self._singles is None else self._singles.settings()),
        }

    def sounds_sha256(self) -> dict[str, str | None]:
        """Of the speech, and of the recordings, if any: whether there are, `_files` says."""
        recorded = self._recorded
        return {
            "speech": self._open_speech().sound_sha256(),
            **({} if recorded is None else {"recordings": recorded.sound_sha256}),
        }

    def state_dict(self) -> dict[str, Any]:
        """The position in the training batches, and the labels and files that it belongs to."""
        files = {f"{field}_sha256": sha256 for field, sha256 in self._files().items()}
        return {**super().state_dict(), **files}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next `train_dataloader` go on at the saved position.

        Raises:
            UserError: `labels.csv`, the recordings or the net that found single voices are not
                those of the checkpoint.
        """
        super().load_state_dict(state_dict)
        if self._batches is None:
            return
        for field, sha256 in self._files().items():
            if state_dict.get(f"{field}_sha256") != sha256:
                raise UserError(
                    f"data.{field}: not the file that the checkpoint was trained with; put that"
                    " back, or train anew in another folder"
                )

    def _files(self) -> dict[str, str | None]:
        """SHA-256 of what the batches are made of beside the speech, by option."""
        recorded, singles, answers = self._recorded, self._singles, self._answers
        return {
            "answers": None if answers is None else answers.sha256,
            "recordings": None if recorded is None else recorded.summary["sha256"],
            "singles_from": None if singles is None else sha256_file(singles.teacher),
        }

    def _parts(self, held: Held, labels: Sequence[Label]) -> list[BatchPart]:
        """Recordings and sums, each with its share of the labelled clips that are left to it."""
        parts: list[BatchPart] = []
        left = self._labelled_batch_size
        if self._recorded is not None:
            recorded = RecordedPart(
                self._recorded,
                self._recordings_share,
                left,
                self._unlabelled_batch_size,
                self._seed,
            )
            left -= recorded.labelled
            parts.append(recorded)
        if self._singles is not None:
            of_count = {
                count: [held.clip(row.index) for row in labels if row.lo == row.hi == count]
                for count in (0, 1)
            }
            found = self._find(self._singles, self.train_clips)
            throughout = self._protocol == "libricount"
            parts.append(self._singles.part(found, of_count, left, self._seed, throughout))
        return parts

    def _find(self, singles: SinglesSource, mixtures: Mixtures) -> Found:
        return singles.find(mixtures, self.budget, self._mixed_by(), cache_root(self._cache))

    def _held(self) -> Held:
        if self._held_on_disk:
            return self._on_disk(self.train_clips)
        return HeldInMemory(self.train_clips, self._num_held)

    def _on_disk(self, mixtures: Mixtures) -> HeldOnDisk:
        folder = held_folder(cache_root(self._cache), self._mixed_by(), self.held_form)
        return HeldOnDisk(folder, mixtures, self._num_held, self.held_form)

    @property
    def _num_held(self) -> int:
        return min(self._held_clips, self.budget.train_labelled)

    def _form(self, features: bool, architecture: Path | None, space: str) -> HeldForm:
        if not features:
            return Sound()
        form = features_of(architecture, any_space(space))
        for option, value in (
            ("unlabelled_batch_size", self._unlabelled_batch_size),
            ("recordings", self._spans),
            ("singles_from", self._singles),
        ):
            if value:
                raise UserError(
                    f"data.held_features: true, but data.{option} brings sound; leave it out or set"
                    " held_features to false"
                )
        return form

    def _mixed_by(self) -> dict[str, Any]:
        speech = self._open_speech()
        return mixed_by(speech, self._protocol, self._seed, self._rooms, self._voice_speed)

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
