"""The rows of a study: which net is trained how, on what, and which net of it is judged."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lightning_modules.study_config import SUPERNET, Study, Variant, set_dotted
from search_spaces.errors import UserError
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


def rows_of(study: Study) -> list[Row]:
    """Every row, in the order in which they run: what others need comes before them."""
    rows = [
        _variant_row(study, variant, place)
        for variants, grid in (
            (study.variants, study.grid),
            (study.ablation, study.ablation_grid),
        )
        for place in _places(study, grid)
        for variant in variants
    ]
    for name, expand in (("sizes", _sizes), ("searches", _searches), ("front_ends", _front_ends)):
        if name in study.comparisons:
            item = study.comparisons[name]
            for place in _places(study, item):
                rows += expand(study, item, study.variant(item["variant"]), place)
    return rows


def slug(text: str) -> str:
    """A text as part of a file's name."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


Place = tuple["int | str", str, int]  # budget, protocol (or who is held out), seed


def _places(study: Study, grid: dict[str, Any]) -> Iterator[Place]:
    for seed in grid["seeds"]:
        for protocol in grid[study.task.grid_field]:
            for budget in grid["budgets"]:
                yield budget, protocol, seed


def _variant_row(study: Study, variant: Variant, place: Place) -> Row:
    if study.net == SUPERNET:
        fit = _supernet(study, variant, place)
        return _row(study, "variants", variant, SUPERNET, place, fit, _choice(study, SEARCH))
    fit = _alone(study, variant, place, architecture=study.net)
    return _row(study, "variants", variant, ALONE, place, fit, None)


def _sizes(study: Study, item: dict[str, Any], variant: Variant, place: Place) -> Iterator[Row]:
    supernet = _supernet(study, variant, place)
    for size in item["max_mmacs"]:
        limits = (("--max-macs", 1e6 * size),)
        choice = _choice(study, SEARCH, limits)
        found = _row(study, "sizes", variant, SUPERNET, place, supernet, choice, size)
        yield found
        for net, teacher in ((ALONE, None), (DISTILLED, supernet)):
            fit = _alone(study, variant, place, like=found, taught_by=teacher)
            yield _row(study, "sizes", variant, net, place, fit, None, size)


def _searches(study: Study, item: dict[str, Any], variant: Variant, place: Place) -> Iterator[Row]:
    hand_made, supernet = item["hand_made"], _supernet(study, variant, place)
    fit = _alone(study, variant, place, architecture=hand_made)
    yield _row(study, "searches", variant, HAND_MADE, place, fit, None)
    for how in (SEARCH, RANDOM):
        choice = _choice(study, how, limits=(), as_dear_as=hand_made)
        yield _row(study, "searches", variant, SUPERNET, place, supernet, choice)


def _front_ends(
    study: Study, item: dict[str, Any], variant: Variant, place: Place
) -> Iterator[Row]:
    supernet = _supernet(study, variant, place)
    fixed = tuple(sorted(item["fixed"].items()))
    for choice in (_choice(study, SEARCH), _choice(study, FIXED_FRONT_END, fixed=fixed)):
        yield _row(study, "front_ends", variant, SUPERNET, place, supernet, choice)


def _row(
    study: Study,
    comparison: str,
    variant: Variant,
    net: str,
    place: Place,
    fit: Fit,
    choice: Choice | None,
    size_mmacs: float | None = None,
) -> Row:
    budget, protocol, seed = place
    return Row(
        comparison=comparison,
        variant=variant.name,
        net=net,
        budget=budget,
        clips=study.clips_of(budget),
        protocol=protocol,
        seed=seed,
        size_mmacs=size_mmacs,
        fit=fit,
        choice=choice,
        test=study.task.test_name,
    )


def _choice(
    study: Study,
    how: str,
    limits: tuple[tuple[str, float], ...] | None = None,
    as_dear_as: str | None = None,
    fixed: tuple[tuple[str, int], ...] = (),
) -> Choice:
    size = study.values["search"]
    population, generations = size["population"], size["generations"]
    if how == RANDOM:  # the first generation is drawn at random
        population, generations = population * generations, 1
    if limits is None:
        asked = study.values.get("limits", {})
        flags = {
            "--max-params": asked.get("max_params"),
            "--max-macs": 1e6 * asked["max_mmacs"] if "max_mmacs" in asked else None,
            "--max-latency-ms": asked.get("max_latency_ms"),
        }
        limits = tuple((flag, value) for flag, value in flags.items() if value is not None)
    table = study.values.get("cost_table")
    return Choice(how, population, generations, limits, as_dear_as, fixed, table)


def _supernet(study: Study, variant: Variant, place: Place) -> Fit:
    values = _settings(study, variant, place, steps=study.values["steps"]["supernet"])
    begun = _begun(study, variant, place)
    return Fit(_title(variant, SUPERNET, place), values, begins_with=begun)


def _alone(
    study: Study,
    variant: Variant,
    place: Place,
    architecture: str | None = None,
    like: Row | None = None,
    taught_by: Fit | None = None,
) -> Fit:
    values = _settings(study, variant, place, steps=study.values["steps"]["alone"])
    title = _title(variant, ALONE if taught_by is None else DISTILLED, place)
    begun = _begun(study, variant, place, architecture, like)
    return Fit(title, values, architecture, like, taught_by, begun)


def _begun(
    study: Study,
    variant: Variant,
    place: Place,
    architecture: str | None = None,
    like: Row | None = None,
) -> Fit | None:
    """The training that comes first, which budgets and protocols share."""
    if variant.begins_with is None:
        return None
    _, _, seed = place
    values = copy.deepcopy(dict(variant.begins_with))
    own = {
        "seed_everything": seed,
        "trainer.limit_val_batches": 0,
        "model.space": study.space,
        "model.architecture": None,  # a config may name its own net
    }
    for name, value in own.items():
        set_dotted(values, name, value)
    return Fit(f"{variant.name}-begins-s{seed}", values, architecture, like)


def _title(variant: Variant, net: str, place: Place) -> str:
    budget, protocol, seed = place
    return f"{variant.name}-{net}-{budget}-{protocol}-s{seed}"


def _settings(study: Study, variant: Variant, place: Place, steps: int) -> dict[str, Any]:
    """The settings of `fit`: of the base, the variant and the place in the grid.

    Raises:
        UserError: a setting of the study or the variant that the place decides.
    """
    budget, protocol, seed = place
    values = copy.deepcopy(study.base)
    data = values.setdefault("data", {})
    if not variant.hears_unlabelled:
        # As many clips a step as with unlabelled ones: alternatives cost the same.
        for name in ("labelled_batch_size", "unlabelled_batch_size"):
            if name not in data:
                raise UserError(f"fit_config: lacks data.{name}, which a study needs; add it there")
        data["labelled_batch_size"] += data["unlabelled_batch_size"]
        data["unlabelled_batch_size"] = 0
    of_place = {
        "seed_everything": seed,
        "trainer.max_steps": steps,
        # Nothing is chosen while it trains, so nobody need look at the validation clips then.
        "trainer.limit_val_batches": 0,
        **study.task.settings(budget, study.clips_of(budget), protocol),
    }
    for name in of_place:
        if name in study.values.get("fit", {}) or name in variant.fit:
            raise UserError(
                f"{study.path}: field fit: {name} is what the study itself sets, row by row; remove"
                " it there"
            )
    for name, value in {**variant.settings(study.task.ingredients), **of_place}.items():
        set_dotted(values, name, value)
    return values


def _text_of(path: str | None) -> str | None:
    return None if path is None else Path(path).read_text("utf-8")


def _digest(value: Any) -> str:
    return sha256_json(value)[:8]
