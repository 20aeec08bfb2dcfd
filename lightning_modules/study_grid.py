"""The grid of a study: a row for every variant, budget and place that it asks for."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from lightning_modules.study_config import SUPERNET, Study, Variant, set_dotted
from lightning_modules.study_design import (
    ALONE,
    DISTILLED,
    FIXED_FRONT_END,
    HAND_MADE,
    RANDOM,
    SEARCH,
    Choice,
    Fit,
    Row,
)
from search_spaces.errors import UserError

Place = tuple["int | str", str, int]  # budget, protocol (or who is held out), seed


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
