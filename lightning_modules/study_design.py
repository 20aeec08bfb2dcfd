"""What a row of a study is: which net is trained how, on what, and which net of it is judged."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lightning_modules.study_config import SUPERNET
from search_spaces.files import sha256_json

ALONE, DISTILLED, HAND_MADE = "alone", "distilled", "hand-made"
SEARCH, RANDOM, GIVEN = "search", "random search", "given"
FIXED_FRONT_END = "search behind one front end"


@dataclass(frozen=True)
class Fit:
    """One training, which several rows may share.

    Attributes:
        title: what it trains, in words.
        values: settings of `fit` without its folder, architecture and teacher.
        architecture: path of the one net to train, if it is given.
        like: the row whose net is trained, if it is one that a search chooses.
        taught_by: the training whose supernet teaches.
        begins_with: the training with whose weights it begins.
    """

    title: str
    values: dict[str, Any]
    architecture: str | None = None
    like: Row | None = None
    taught_by: Fit | None = None
    begins_with: Fit | None = None

    @cached_property
    def id(self) -> str:
        """Name of its folder: the title and a digest of all that it depends on."""
        parts = [
            self.values,
            _text_of(self.architecture),
            None if self.like is None else self.like.id,
            None if self.taught_by is None else self.taught_by.id,
        ]
        if self.begins_with is not None:
            parts.append(self.begins_with.id)
        return f"{slug(self.title)}-{_digest(parts)}"

    @property
    def needed(self) -> tuple[Fit, ...]:
        """The trainings that come before it, in order."""
        before = [fit for fit in (self.begins_with, self.taught_by) if fit is not None]
        return tuple(each for fit in before for each in (*fit.needed, fit))

    @property
    def kind(self) -> str:
        """``supernet`` or ``alone``."""
        return SUPERNET if self.architecture is None and self.like is None else ALONE

    @property
    def steps(self) -> int:
        """Training steps."""
        return self.values["trainer"]["max_steps"]


@dataclass(frozen=True)
class Choice:
    """How a net is chosen from a supernet.

    Attributes:
        how: ``search``, ``random search`` or ``search behind one front end``.
        population, generations: of the search.
        limits: flag of the search to value.
        as_dear_as: path of an architecture whose cost is the limit.
        fixed: choices that every net makes.
        cost_table: ``quick`` or ``full`` where latency is predicted.
    """

    how: str
    population: int
    generations: int
    limits: tuple[tuple[str, float], ...]
    as_dear_as: str | None = None
    fixed: tuple[tuple[str, int], ...] = ()
    cost_table: str | None = None


@dataclass(frozen=True)
class Row:
    """One net that is trained, chosen by validation clips, lowered, and judged on test clips.

    Attributes:
        comparison: ``variants``, ``sizes``, ``searches`` or ``front_ends``.
        variant: name of the recipe.
        net: ``supernet`` (a net of it), ``alone``, ``distilled`` or ``hand-made``.
        budget: labelled clips as the study names them: a number or ``all``.
        clips: that number; of classes per class, None for all.
        protocol: trained on; of classes, who is held out.
        seed: of everything.
        size_mmacs: the size that the row is about, if any.
        fit: the training.
        choice: None where the net is given.
        test: which test clips judge it, as the study names them.
    """

    comparison: str
    variant: str
    net: str
    budget: int | str
    clips: int | None
    protocol: str
    seed: int
    size_mmacs: float | None
    fit: Fit
    choice: Choice | None
    test: str

    @property
    def fits(self) -> tuple[Fit, ...]:
        """The trainings that it needs, in order."""
        return (*self.fit.needed, self.fit)

    @property
    def chosen_by(self) -> str:
        """How the net was chosen."""
        return GIVEN if self.choice is None else self.choice.how

    @cached_property
    def id(self) -> str:
        """Name of its folder; differs for rows that differ in anything."""
        size = "" if self.size_mmacs is None else f"-{self.size_mmacs:g}mmac"
        chosen = ""
        if self.choice is not None:
            limit = _text_of(self.choice.as_dear_as)  # what it holds, wherever it lies
            chosen = repr(replace(self.choice, as_dear_as=limit))
        title = f"{self.variant}-{self.net}{size}-{self.budget}-{self.protocol}-s{self.seed}"
        return f"{slug(title)}-{_digest([self.comparison, chosen, self.fit.id, self.test])}"


def slug(text: str) -> str:
    """A text as part of a file's name."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


def _text_of(path: str | None) -> str | None:
    return None if path is None else Path(path).read_text("utf-8")


def _digest(value: Any) -> str:
    return sha256_json(value)[:8]
