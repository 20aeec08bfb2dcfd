"""What a study of counting people and one of naming classes do each in their own way."""

from __future__ import annotations

import csv
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from lightning_modules.mixtures_open import CONDITIONS, DEFAULT_ROOMS
from lightning_modules.recordings import class_names, read_recordings
from search_spaces.clip import NUM_COUNTS
from search_spaces.errors import UserError

ALL = "all"
OWN_SPLIT = "own split"  # of the recordings, where no speaker is held out by name

Settings = dict[str, Any]  # of `fit`, by dotted name
Ingredients = Mapping[str, tuple[Settings, Settings]]  # switched on, and off

_SHARED: Ingredients = {
    "sap_augment": ({"model.sap_augment.enabled": True}, {"model.sap_augment.enabled": False}),
    "augmentation": (
        {"model.strong_augmentation.enabled": True},
        {"model.strong_augmentation.enabled": False, "model.weak_augmentation.speed": 0.0},
    ),
    "distillation": ({"model.distillation.enabled": True}, {"model.distillation.enabled": False}),
}
_OF_COUNTS: Ingredients = {
    "augmentation": _SHARED["augmentation"],
    "count_addition": (
        {"model.count_addition.enabled": True},
        {"model.count_addition.enabled": False},
    ),
    "pseudo_labels": (
        {
            "model.pseudo_labels.enabled": True,
            "model.pseudo_labels.alignment": 1.0,
            "model.pseudo_labels.flexible": True,
        },
        {"model.pseudo_labels.enabled": False},
    ),
    "additivity": ({"model.additivity.enabled": True}, {"model.additivity.enabled": False}),
    "distillation": _SHARED["distillation"],
}
_OF_CLASSES: Ingredients = {
    "augmentation": _SHARED["augmentation"],
    "sap_augment": _SHARED["sap_augment"],
    "mixing": ({"model.mixing.enabled": True}, {"model.mixing.enabled": False}),
    "pseudo_labels": (
        {"model.pseudo_labels.enabled": True},
        {"model.pseudo_labels.enabled": False},
    ),
    "distillation": _SHARED["distillation"],
}


@dataclass(frozen=True)
class StudyTask(ABC):
    """How a task is studied.

    Attributes:
        values: the study's file.
        kind: of the task.
        grid_field: what beside budget and seed makes a place of the grid.
        own_fields: of the file that only this task has; those in ``needed`` it must have.
        ingredients: settings of `fit` that switch each on and off.
        conditions: what each net is tested on.
        metrics: columns of the table for each condition and precision, the headline first.
        second: the metric beside the headline on the page, its title, scale and digits.
        error_title: the headline on the page.
        trained_on_title: of the column that says what a row was trained on.
        grouped_by: the parts of the test that `groups.csv` tells apart.
        unseen: what the test holds, in words.
        labels_title: what a budget counts, in words.
        summary_key: columns of the table in which the rows of one summary agree, beside the net.
    """

    values: Mapping[str, Any]

    kind: ClassVar[str]
    grid_field: ClassVar[str]
    own_fields: ClassVar[tuple[str, ...]]
    needed: ClassVar[tuple[str, ...]]
    ingredients: ClassVar[Ingredients]
    conditions: ClassVar[tuple[str, ...]]
    metrics: ClassVar[tuple[str, ...]]
    second: ClassVar[tuple[str, str, float, int]]
    error_title: ClassVar[str]
    trained_on_title: ClassVar[str]
    grouped_by: ClassVar[str]
    unseen: ClassVar[str]
    labels_title: ClassVar[str]
    summary_key: ClassVar[tuple[str, ...]]

    @property
    def headline(self) -> str:
        """The error that a table leads with."""
        return self.metrics[0]

    def own_test(self, trained_on: str) -> str:
        """The condition that is nearest to what a net was trained on."""
        return trained_on

    @property
    @abstractmethod
    def places(self) -> list[str]:
        """What the rows are trained on, where the file says nothing else."""

    @property
    @abstractmethod
    def test_name(self) -> str:
        """Names the test: another one makes other rows."""

    @abstractmethod
    def settings(self, budget: int | str, clips: int | None, trained_on: str) -> Settings:
        """Settings of `fit` at a place of the grid."""

    @abstractmethod
    def plot_title(self, condition: str) -> str:
        """What nets in a plot were trained and tested on."""

    @abstractmethod
    def check_data(self, where: Path) -> None:
        """Refuse data that the study asks for and that are not there, if that is quickly told.

        Args:
            where: path of the study's file.

        Raises:
            UserError: naming the field.
        """

    @abstractmethod
    def num_outputs(self) -> int:
        """Of the nets."""

    @abstractmethod
    def labels_text(self, budget: str, labels: int) -> str:
        """A budget in the table, where ``labels`` were looked at."""

    @abstractmethod
    def labelled_clips(self, clips: int | None, fit: Path) -> int:
        """Labels that a training in folder ``fit`` looked at, those of validation included."""


class CountsStudy(StudyTask):
    """Counting people, in clips mixed by one protocol and tested on both."""

    kind = "counts"
    grid_field = "protocols"
    own_fields = ("speech", "protocols", "test", "rooms", "all_clips")
    needed = ("speech", "protocols", "test")
    ingredients = _OF_COUNTS
    conditions = CONDITIONS
    metrics = ("level_error", "mae", "exact_accuracy")
    second = ("mae", "MAE", 1.0, 2)
    error_title = "level error"
    trained_on_title = "trained on"
    grouped_by = "by count, SNR, RT60 and sex of the readers"
    unseen = "test readers"
    labels_title = "labelled clips (validation included)"
    summary_key = ("labelled_clips", "protocol")

    @property
    def places(self) -> list[str]:
        """The protocols."""
        return list(self.values["protocols"])

    @property
    def rooms(self) -> int:
        """Size of the bank of rooms."""
        return self.values.get("rooms", DEFAULT_ROOMS)

    @property
    def test_name(self) -> str:
        """Names the test clips: other speech, rooms, number or seed are other clips."""
        test, heard = self.values["test"], [self.values["speech"], self.rooms]
        digest = hashlib.sha256(json.dumps(heard).encode()).hexdigest()[:4]
        return f"{test['clips']}-s{test['seed']}-{digest}"

    def settings(self, budget: int | str, clips: int | None, trained_on: str) -> Settings:
        """Speech, protocol, labelled clips and rooms."""
        settings = {
            "data.speech": self.values["speech"],
            "data.protocol": trained_on,
            "data.labelled_clips": clips,
        }
        if "rooms" in self.values:
            settings["data.rooms"] = self.values["rooms"]
        return settings

    def plot_title(self, condition: str) -> str:
        """One protocol for both."""
        return f"trained and tested on {condition}, unseen readers"

    def check_data(self, where: Path) -> None:
        """The first command that hears the speech says so."""

    def num_outputs(self) -> int:
        """One for each count."""
        return NUM_COUNTS

    def labels_text(self, budget: str, labels: int) -> str:
        """The number."""
        return f"{ALL} ({labels})" if budget == ALL else budget

    def labelled_clips(self, clips: int | None, fit: Path) -> int:
        """As many as were asked for: clips are generated."""
        return clips or 0


class ClassesStudy(StudyTask):
    """Naming classes of recordings, perhaps with one speaker after the other held out."""

    kind = "classes"
    grid_field = "held_out"
    own_fields = ("root", "held_out")
    needed = ("root",)
    ingredients = _OF_CLASSES
    conditions = ("test",)
    metrics = ("error", "balanced_error")
    second = ("balanced_error", "balanced", 100.0, 1)
    error_title = "error"
    trained_on_title = "held out"
    grouped_by = "by class, speaker and, where the recordings say it, SNR"
    unseen = "the test's recordings"
    labels_title = "labelled recordings (validation included)"
    summary_key = ()  # the mean over those held out is the figure wanted

    @property
    def places(self) -> list[str]:
        """The speakers that are held out in turn, or the recordings' own split."""
        return list(self.values.get("held_out", [OWN_SPLIT]))

    @property
    def test_name(self) -> str:
        """The recordings follow from the root and the held-out speaker, which every row names."""
        return self.values["root"]

    def own_test(self, trained_on: str) -> str:
        """There is one, whoever is held out."""
        return self.conditions[0]

    def settings(self, budget: int | str, clips: int | None, trained_on: str) -> Settings:
        """Root, labels of each class, and who is held out."""
        settings: Settings = {
            "data.root": self.values["root"],
            "data.labelled_per_class": None if budget == ALL else budget,
        }
        if trained_on != OWN_SPLIT:
            settings["data.test_speakers"] = [trained_on]
        return settings

    def plot_title(self, condition: str) -> str:
        """The recordings, and who was held out."""
        held_out = [place for place in self.places if place != OWN_SPLIT]
        unseen = f", held out: {', '.join(held_out)}" if held_out else ""
        return f"{Path(self.values['root']).name}{unseen}"

    def check_data(self, where: Path) -> None:
        """See `recordings.read_recordings`; every speaker to hold out must be known."""
        known = {item.speaker for item in read_recordings(Path(self.values["root"]))} - {None}
        unknown = sorted({*self.places} - {OWN_SPLIT} - known)
        if unknown:
            there_are = ", ".join(sorted(filter(None, known))[:20]) or "none known"
            raise UserError(
                f"{where}: field held_out: no speaker {unknown[0]!r} in {self.values['root']};"
                f" there are {there_are}"
            )

    def num_outputs(self) -> int:
        """One for each class of the recordings."""
        return len(class_names(read_recordings(Path(self.values["root"]))))

    def labels_text(self, budget: str, labels: int) -> str:
        """Of each class, and in all."""
        return f"{ALL} ({labels})" if budget == ALL else f"{budget} a class ({labels})"

    def labelled_clips(self, clips: int | None, fit: Path) -> int:
        """The lines of its `labels.csv`."""
        with (fit / "labels.csv").open(
            encoding="utf-8", errors="surrogateescape", newline=""
        ) as stream:
            return sum(1 for _ in csv.DictReader(stream))


TASKS: dict[str, type[StudyTask]] = {task.kind: task for task in (CountsStudy, ClassesStudy)}


def study_task(where: Path, kind: str, values: Mapping[str, Any]) -> StudyTask:
    """The task of a study, whose file must have its fields and none of another task's.

    Args:
        where: path of the file.
        kind: ``task`` of the configuration of `fit`.
        values: the file's.

    Raises:
        UserError: naming the field, or the task.
    """
    if kind not in TASKS:
        raise UserError(f"{where}: field fit_config: task {kind!r}, expected {' or '.join(TASKS)}")
    task = TASKS[kind](values)
    for name in task.needed:
        if name not in values:
            raise UserError(f"{where}: field {name}: missing, though the task is {kind}")
    foreign = {name for other in TASKS.values() for name in other.own_fields} - {*task.own_fields}
    asked = [values, values.get("ablation", {}), *values.get("comparisons", {}).values()]
    for name in sorted(foreign):
        if any(name in part for part in asked):
            raise UserError(f"{where}: field {name}: the task is {kind}, which has none; remove it")
    return task
