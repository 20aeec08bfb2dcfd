"""What studies of different tasks do each in their own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

ALL = "all"

Settings = dict[str, Any]  # of `fit`, by dotted name
Ingredients = Mapping[str, tuple[Settings, Settings]]  # switched on, and off


def switch(ingredient: str) -> tuple[Settings, Settings]:
    """One that has no more to set than whether it is there."""
    name = f"model.{ingredient}.enabled"
    return {name: True}, {name: False}


SHARED: Ingredients = {  # by all tasks
    "augmentation": (
        {"model.strong_augmentation.enabled": True},
        {"model.strong_augmentation.enabled": False, "model.weak_augmentation.speed": 0.0},
    ),
    "distillation": switch("distillation"),
}


@dataclass(frozen=True)
class StudyTask(ABC):
    """How a task is studied.

    Attributes:
        values: the study's file.
        several: whether a recording may be of several classes.
        kind: of the task.
        grid_field: what beside budget and seed makes a place of the grid.
        own_fields: of the file that only this task has; those in ``needed`` it must have.
        ingredients: settings of `fit` that switch each on and off.
        conditions: what each net is tested on.
        error_title: the headline on the page.
        trained_on_title: of the column that says what a row was trained on.
        grouped_by: the parts of the test that `groups.csv` tells apart.
        unseen: what the test holds, in words.
        labels_title: what a budget counts, in words.
        summary_key: columns of the table in which the rows of one summary agree, beside the net.
    """

    values: Mapping[str, Any]
    several: bool = False

    kind: ClassVar[str]
    grid_field: ClassVar[str]
    own_fields: ClassVar[tuple[str, ...]]
    needed: ClassVar[tuple[str, ...]]
    ingredients: ClassVar[Ingredients]
    conditions: ClassVar[tuple[str, ...]]
    error_title: ClassVar[str]
    trained_on_title: ClassVar[str]
    grouped_by: ClassVar[str]
    unseen: ClassVar[str]
    labels_title: ClassVar[str]
    summary_key: ClassVar[tuple[str, ...]]

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Columns of the table for each condition and precision, the headline first."""

    @property
    @abstractmethod
    def second(self) -> tuple[str, str, float, int]:
        """The metric beside the headline on the page, its title, scale and digits."""

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
    def check_data(self, where: Path, places: Iterable[str]) -> None:
        """Refuse data that the study asks for and that are not there, if that is quickly told.

        Args:
            where: path of the study's file.
            places: what its rows are trained on.

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
