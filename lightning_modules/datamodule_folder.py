"""The data of `task: classes`: any recordings, their splits, the label budget and the loaders.

Legend: V validation clips, T samples, K classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from lightning_modules.audio import Int16
from lightning_modules.datamodule_recordings import RecordingsDataModule
from lightning_modules.ranges import check_least
from lightning_modules.recordings import (
    check_classes,
    check_heard,
    named_root,
    read_recordings,
)
from lightning_modules.recordings_budget import (
    TEST_LIST,
    check_test_list,
    draw_budget,
    write_or_check,
    write_test_list,
)
from lightning_modules.recordings_cache import Sounds
from lightning_modules.recordings_clips import (
    Labels,
    RecordingBatches,
    RecordingClips,
    labels_of,
    middle,
)
from lightning_modules.recordings_extra import Extra, read_extra, shared_speakers
from lightning_modules.recordings_item import Item
from lightning_modules.recordings_split import Splits, ValidationBy, split_recordings
from lightning_modules.recordings_unlabelled import Unlabelled, read_more
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.files import sha256_file
from search_spaces.spaces import any_space
from search_spaces.task_classes import ClassesTask


class FolderDataModule(RecordingsDataModule):
    """Recordings of named classes, some or all of them labelled.

    Args:
        root: a folder per class, or a CSV; see `recordings.read_recordings`.
        space: whose clips are heard (set from ``model.space``); longer recordings are cut, shorter
            ones lie in silence.
        several: whether a recording may be of several classes. One of none of them cannot be said:
            without a label it is unlabelled data.
        labelled_per_class: labels of each class that may be seen, a fifth of them to validate; all
            if not given. The other recordings are unlabelled data.
        test_speakers: whose recordings are the test; a fifth of the speakers if none is given.
        validation_by: ``speaker`` takes whole speakers from training; ``recording`` other
            recordings of the training speakers, where these are few.
        labelled_batch_size: labelled clips of a training batch.
        unlabelled_batch_size: unlabelled clips of a training batch; 0 for none.
        eval_batch_size: clips of a validation or test batch.
        extra: a folder per class or a CSV of labelled recordings that only train; they belong to no
            split and to no label budget (`recordings_extra`). None for none.
        extra_share: of them in the labelled clips of a batch.
        unlabelled: any folder of speech, or a CSV, that only trains and is in no split; its labels
            are not looked at (`recordings_unlabelled`). None for none.
        unlabelled_share: of it in the unlabelled clips of a batch.
        balanced: show rare classes as often as frequent ones.
        steps_per_epoch: training batches of an epoch.
        num_workers: processes that make clips while the model trains; 0 for none.
        seed: seed of budget and order.
        labels: where `labels.csv` lies; ``labels.csv`` in the trainer's root folder if not given.
        cache: folder of decoded recordings; $ERSAM_CACHE or ``.cache/ersam`` if not given.
        strict: refuse recordings that cannot be used, instead of skipping them.
    """

    def __init__(
        self,
        root: str,
        space: str = "sam-lite",
        several: bool = False,
        labelled_per_class: int | None = None,
        test_speakers: list[str] | None = None,
        validation_by: ValidationBy = "speaker",
        labelled_batch_size: int = 32,
        unlabelled_batch_size: int = 32,
        eval_batch_size: int = 50,
        extra: str | None = None,
        extra_share: float = 0.5,
        unlabelled: str | None = None,
        unlabelled_share: float = 0.5,
        balanced: bool = True,
        steps_per_epoch: int = 200,
        num_workers: int = 1,
        seed: int = 0,
        labels: str | None = None,
        cache: str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(eval_batch_size, steps_per_epoch, num_workers, labels, seed, cache, strict)
        check_least(
            labelled_batch_size=(labelled_batch_size, 1),
            unlabelled_batch_size=(unlabelled_batch_size, 0),
            seed=(seed, 0),
        )
        self.samples = any_space(space).clip_samples
        self._items = read_recordings(named_root(root))
        self._task = task_of(self._items, several, root)
        self._labelled_per_class = labelled_per_class
        self._test_speakers = test_speakers or []
        self._validation_by: ValidationBy = validation_by
        self._labelled_batch_size = labelled_batch_size
        self._unlabelled_batch_size = unlabelled_batch_size
        self._extra_root, self._extra_share = extra, extra_share
        self._extra: Extra | None = None
        self._more_root, self._more_share = unlabelled, unlabelled_share
        self._more: Unlabelled | None = None
        self._balanced = balanced

    @property
    def task(self) -> ClassesTask:
        """Naming the classes that the recordings have."""
        return self._task

    def prepare_data(self) -> None:
        """Decode the recordings, once; later runs find them in the cache.

        Raises:
            UserError: none can be used, one cannot under ``strict``, or see `read_extra` and
                `read_more`.
        """
        own = self._open()
        self._open_extra(own)
        self._open_more(own)

    def setup(self, stage: str | None = None) -> None:
        """Split the recordings and draw the labels; what comes after holds no other labels.

        Raises:
            UserError: see `recordings_split.split_recordings`; a class without a recording that
                can be used; a `labels.csv` of something else; or a test of others than the training
                kept for it.
        """
        sounds = self._open()
        check_heard(self.task.names, sounds.items, "root")
        splits = split_recordings(
            sounds.items, sounds.digests, self._test_speakers, self._validation_by
        )
        self._judge_others(sounds, splits)
        budget = draw_budget(sounds.items, splits, self._labelled_per_class, self._seed)
        named = f"{len(self.task.names)} classes: {', '.join(self.task.names[:20])}"
        remarks = [named, *splits.remarks, *budget.remarks, *self._short(sounds)]
        self._say(sounds, splits, remarks)
        self._splits = splits
        self._pool = [sounds.samples[place] for place in splits.places["train"]]
        shown = set(budget.train)
        self._unlabelled = [
            sounds.samples[place] for place in splits.places["train"] if place not in shown
        ]
        if stage in (None, "test"):
            self._test = self._labelled(sounds, splits.places["test"])
        test = (sounds.items[place] for place in splits.places["test"])
        tested = [item for item in test if item.labels]
        test_list = self.labels_file.with_name(TEST_LIST)
        if stage == "test":
            check_test_list(test_list, tested)
            return
        self._rewind()
        write_or_check(self.labels_file, sounds.items, budget)
        write_test_list(test_list, tested)
        labelled, labels = self._labelled(sounds, budget.train)
        self._batches = RecordingBatches(
            labelled,
            labels,
            self._pool,
            self._task,
            self.samples,
            self._labelled_batch_size,
            self._unlabelled_batch_size,
            self._balanced,
            self._seed,
            self._open_extra(sounds),
            self._open_more(sounds),
        )
        self._validation = self._labelled(sounds, budget.validation)
        self._seen = Counter({"train": len(budget.train), "validation": len(budget.validation)})

    def val_dataloader(self) -> DataLoader[Any]:
        """The labelled validation clips in order: ``waveform`` [V, T], ``lo``, ``hi``."""
        return self._eval_loader(RecordingClips(*self._validation, self._middle()))

    def test_dataloader(self) -> DataLoader[Any]:
        """One clip of each labelled test recording.

        Raises:
            UserError: there is none.
        """
        if not self._test[0]:
            raise UserError(
                "root: no labelled recording is in the test split; name test_speakers, or mark some"
                " by the CSV's column split"
            )
        return self._eval_loader(RecordingClips(*self._test, self._middle()))

    def validation_clips(self) -> tuple[Int16, NDArray[Any], NDArray[Any]]:
        """The labelled validation clips: int16 [V, T], lo and hi int64 [V] or [V, K]."""
        sounds, (lo, hi) = self._validation
        return np.stack([self._middle()(sound) for sound in sounds]), lo, hi

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on, by option, as plain values."""
        return {
            "labelled_batch_size": self._labelled_batch_size,
            "unlabelled_batch_size": self._unlabelled_batch_size,
            "extra_share": self._extra_share,
            "unlabelled_share": self._more_share,
            "balanced": self._balanced,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on at the saved position.

        Raises:
            UserError: see `StreamDataModule`; to test, a `labels.csv` that is not the checkpoint's:
                a `fit` of another split that was refused has left it and its own list of the test.
        """
        if self._batches is None and self.labels_file.is_file():
            self._check_labels(state_dict)
        super().load_state_dict(state_dict)

    def sounds_sha256(self) -> dict[str, str | None]:
        """As of all recordings, and what only trains."""
        return {
            **super().sounds_sha256(),
            "extra": self._extra.sha256 if self._extra else None,
            "unlabelled": self._more.sha256 if self._more else None,
        }

    def calibration_clips(self, number: int) -> Int16:
        """At most ``number`` random training clips, int16 [number, T]; unlabelled if those do."""
        sounds = self._unlabelled if len(self._unlabelled) >= number else self._pool
        order = np.random.default_rng(self._seed).permutation(len(sounds))[:number]
        return np.stack([self._middle()(sounds[place]) for place in order])

    def provenance(self) -> dict[str, Any]:
        """As of all recordings, and the labels that were seen."""
        return {
            **super().provenance(),
            "labelled_per_class": self._labelled_per_class,
            "labelled_recordings": dict(self._seen),
            "labels_sha256": sha256_file(self.labels_file),
            "extra_recordings": len(self._extra.items) if self._extra else 0,
            "extra_share": self._extra_share if self._extra else None,
            "unlabelled_recordings": len(self._more.items) if self._more else 0,
            "unlabelled_share": self._more_share if self._more else None,
        }

    def _judge_others(self, sounds: Sounds, splits: Splits) -> None:
        """Find out whether what only trains has speakers of the test, and say so if it has."""
        test = [sounds.items[place] for place in splits.places["test"]]
        others = {"extra": self._open_extra(sounds), "unlabelled": self._open_more(sounds)}
        for option, other in others.items():
            shared = shared_speakers(other.items, test) if other else []
            if shared:
                splits.by_speaker = False
                splits.remarks.append(
                    f"data.{option} has speakers of the test's names ({', '.join(shared[:3])}): if"
                    " they are these, figures will look better than on new ones; rename them if not"
                )

    def _open_extra(self, own: Sounds) -> Extra | None:
        if self._extra is None and self._extra_root is not None:
            self._extra = read_extra(
                self._extra_root,
                self._extra_share,
                self._labelled_batch_size,
                own,
                self._task,
                self._cache,
                self._strict,
            )
        return self._extra

    def _open_more(self, own: Sounds) -> Unlabelled | None:
        if self._more is None and self._more_root is not None:
            self._more = read_more(
                self._more_root,
                self._more_share,
                self._unlabelled_batch_size,
                own,
                self.samples,
                self._cache,
                self._strict,
            )
        return self._more

    def _middle(self) -> Any:
        return partial(middle, samples=self.samples, task=self._task)

    def _labelled(self, sounds: Sounds, places: list[int]) -> tuple[list[Int16], Labels]:
        kept = [place for place in places if sounds.items[place].labels]
        labels = labels_of([sounds.items[place].labels for place in kept], self._task)
        return [sounds.samples[place] for place in kept], labels

    def _short(self, sounds: Sounds) -> list[str]:
        """What to say of recordings that leave most of a clip empty."""
        median_s = float(np.median([len(sound) for sound in sounds.samples])) / SAMPLE_RATE_HZ
        if 4 * median_s * SAMPLE_RATE_HZ >= self.samples:
            return []
        return [
            f"half of the recordings are shorter than {median_s:.2g} s, a clip has"
            f" {self.samples / SAMPLE_RATE_HZ:g} s; a space for shorter clips (events-1s)"
            " would train and run several times as fast"
        ]


def task_of(items: list[Item], several: bool, root: str) -> ClassesTask:
    """The task of recordings.

    Raises:
        UserError: fewer classes than a task needs, or several of one recording unasked.
    """
    if not several:
        for item in items:
            if len(item.labels) > 1:
                raise UserError(
                    f"root: {item.name}: has {len(item.labels)} labels ({';'.join(item.labels)});"
                    " keep one, or set data.several to true"
                )
    return ClassesTask(check_classes(items, f"root: {root}"), several)
