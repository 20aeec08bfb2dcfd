"""What a study asks for: its YAML, validated, with the paths in it resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning_modules.study_task import ALL, Ingredients, StudyTask
from lightning_modules.study_tasks import study_task
from search_spaces.errors import UserError
from search_spaces.files import load_schema
from search_spaces.json_values import check_json
from search_spaces.yaml_file import read_yaml

CONFIGS = Path(__file__).parent / "configs"
SHIPPED = CONFIGS / "study"
SCHEMA = load_schema(Path(__file__).parent / "schemas", "study")
SUPERNET = "supernet"

HEARS_UNLABELLED = ("pseudo_labels", "additivity")


@dataclass(frozen=True)
class Variant:
    """A recipe.

    Attributes:
        ingredients: that are on.
        fit: further settings of `fit` by dotted name.
        begins_with: all settings of the training that comes first, None without any.
    """

    name: str
    ingredients: tuple[str, ...]
    fit: Mapping[str, Any] = field(default_factory=dict)
    begins_with: Mapping[str, Any] | None = None

    def settings(self, known: Ingredients) -> dict[str, Any]:
        """Settings of `fit` by dotted name, where these are the ingredients that there are."""
        settings: dict[str, Any] = {}
        for name, (on, off) in known.items():
            settings |= on if name in self.ingredients else off
        return {**settings, **self.fit}

    @property
    def hears_unlabelled(self) -> bool:
        """Whether any ingredient uses unlabelled clips."""
        return any(name in self.ingredients for name in HEARS_UNLABELLED)


@dataclass(frozen=True)
class Study:
    """A validated study; the fields are described in ``schemas/study.schema.json``.

    Attributes:
        path: of the file.
        task: what is learned.
        base: the settings of `fit` that every row starts from, overrides of all rows included.
        net: ``supernet``, or the path of an architecture.
        variants: those written out.
        ablation: those one ingredient apart from none or from all.
        grid: budgets, protocols (or who is held out) and seeds of the variants.
        ablation_grid: of the ablation.
        comparisons: by name, each with its grid.
        values: everything else, as it stands in the file.
    """

    path: Path
    task: StudyTask
    base: dict[str, Any]
    net: str
    variants: tuple[Variant, ...]
    ablation: tuple[Variant, ...]
    grid: dict[str, Any]
    ablation_grid: dict[str, Any]
    comparisons: dict[str, dict[str, Any]]
    values: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.stem

    @property
    def out(self) -> Path:
        """Folder of the study."""
        return Path(self.values["out"])

    @property
    def space(self) -> str:
        """Name of the model space."""
        return self.base["model"]["space"]

    def variant(self, name: str) -> Variant:
        """The variant of this name.

        Raises:
            UserError: there is none; the message lists those there are.
        """
        for variant in (*self.variants, *self.ablation):
            if variant.name == name:
                return variant
        raise UserError(
            f"{self.path}: field comparisons: variant {name!r} is not among the variants:"
            f" {', '.join(variant.name for variant in self.variants)}"
        )

    def clips_of(self, budget: int | str) -> int | None:
        """Labelled clips of a budget; of classes labels per class, None for all.

        Raises:
            UserError: ``all`` without ``all_clips``, where clips are generated.
        """
        if budget != ALL:
            return int(budget)
        if self.task.kind != "counts":
            return None
        if "all_clips" not in self.values:
            raise UserError(f"{self.path}: field all_clips: missing, though a budget is {ALL!r}")
        return self.values["all_clips"]


def read_study(path: Path) -> Study:
    """Read and validate a study.

    Raises:
        UserError: no such file, not YAML, a field that is unknown, missing, out of range or of
            another task, two variants of one name, an ingredient that the task has not, a
            comparison of an unknown variant, or a file that it names and that is missing.
    """
    values = _read_settings(path)
    check_json(path, values, SCHEMA)
    base = _fit_settings(path, values)
    if "space" not in base.get("model", {}):
        raise UserError(f"{path}: field fit_config: {values['fit_config']} names no model.space")
    net = values.get("net", SUPERNET)
    task = study_task(path, values, base)
    study = Study(
        path=path,
        task=task,
        base=base,
        net=net if net == SUPERNET else _beside(path, "net", net),
        variants=_variants(path, values, task),
        ablation=_ablation(values, task),
        grid=_grid(values, task),
        ablation_grid={**_grid(values, task), **_own_grid(values.get("ablation", {}), task)},
        comparisons=_comparisons(path, values, task),
        values=values,
    )
    _check(study)
    return study


def set_dotted(settings: dict[str, Any], name: str, value: Any) -> None:
    """Set ``a.b.0.c`` in nested dictionaries and lists.

    Raises:
        UserError: a part that leads through something that is neither.
    """
    *parts, last = name.split(".")
    place: Any = settings
    for part in parts:
        if isinstance(place, list) and part.isdecimal() and int(part) < len(place):
            place = place[int(part)]
        elif isinstance(place, dict):
            place = place.setdefault(part, {})
        else:
            break
    else:
        if isinstance(place, dict):
            place[last] = value
            return
    raise UserError(f"setting {name!r}: leads nowhere in the configuration of fit")


def _variants(path: Path, values: dict[str, Any], task: StudyTask) -> tuple[Variant, ...]:
    return tuple(
        Variant(
            item["name"],
            tuple(task.ingredients) if item["ingredients"] == ALL else tuple(item["ingredients"]),
            item.get("fit", {}),
            _begun(path, item["begins_with"]) if "begins_with" in item else None,
        )
        for item in values["variants"]
    )


def _begun(path: Path, item: dict[str, Any]) -> dict[str, Any]:
    settings = _fit_settings(path, item)
    set_dotted(settings, "trainer.max_steps", item["steps"])
    return settings


def _fit_settings(path: Path, item: dict[str, Any]) -> dict[str, Any]:
    """The configuration ``fit_config`` with the overrides ``fit``."""
    settings = _read_settings(_fit_config(path, item["fit_config"]))
    for name, value in item.get("fit", {}).items():
        set_dotted(settings, name, value)
    return settings


def _ablation(values: dict[str, Any], task: StudyTask) -> tuple[Variant, ...]:
    asked = values.get("ablation", {})
    with_one = [Variant(f"with {name}", (name,)) for name in asked.get("add_one_in", ())]
    without_one = [
        Variant(f"without {name}", tuple(other for other in task.ingredients if other != name))
        for name in asked.get("leave_one_out", ())
    ]
    return (*with_one, *without_one)


def _grid(values: dict[str, Any], task: StudyTask) -> dict[str, Any]:
    return {task.grid_field: task.places, **_own_grid(values, task)}


def _own_grid(values: dict[str, Any], task: StudyTask) -> dict[str, Any]:
    return {name: values[name] for name in ("budgets", task.grid_field, "seeds") if name in values}


def _comparisons(path: Path, values: dict[str, Any], task: StudyTask) -> dict[str, dict[str, Any]]:
    grid = _grid(values, task)
    comparisons = {name: {**grid, **item} for name, item in values.get("comparisons", {}).items()}
    if "searches" in comparisons:
        hand_made = comparisons["searches"]["hand_made"]
        comparisons["searches"]["hand_made"] = _beside(path, "hand_made", hand_made)
    return comparisons


def _check(study: Study) -> None:
    variants = (*study.variants, *study.ablation)
    names = [variant.name for variant in variants]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{study.path}: field variants: two are called {name!r}; rename one")
    known = study.task.ingredients
    for variant in variants:
        for name in {*variant.ingredients} - {*known}:
            raise UserError(
                f"{study.path}: variant {variant.name!r}: ingredient {name!r} is none of"
                f" {study.task.kind}: {', '.join(known)}"
            )
        if variant.begins_with is not None and study.task.kind != "counts":
            raise UserError(
                f"{study.path}: variant {variant.name!r}: begins_with is of counts alone; leave it"
                " out"
            )
    ablation = study.values.get("ablation", {})
    asked = {*ablation.get("add_one_in", ()), *ablation.get("leave_one_out", ())}
    if study.net != SUPERNET and "distillation" in asked:
        raise UserError(
            f"{study.path}: field ablation: 'distillation' needs net: supernet; one fixed net has"
            " no subnets to teach"
        )
    budgets: list[Sequence[int | str]] = [study.grid["budgets"], study.ablation_grid["budgets"]]
    for item in study.comparisons.values():
        study.variant(item["variant"])
        budgets.append(item["budgets"])
    for budget in {budget for each in budgets for budget in each}:
        study.clips_of(budget)
    searches = study.net == SUPERNET or study.comparisons
    if searches and "search" not in study.values:
        raise UserError(f"{study.path}: field search: missing, though nets are searched")
    limits = study.values.get("limits", {})
    if "max_latency_ms" in limits and "cost_table" not in study.values:
        raise UserError(
            f"{study.path}: field limits.max_latency_ms: needs cost_table: quick or full"
        )


def _fit_config(study: Path, name: str) -> Path:
    shipped = CONFIGS / f"{name}.yaml"
    return shipped if shipped.is_file() else Path(_beside(study, "fit_config", name))


def _beside(study: Path, name: str, file: str) -> str:
    path = study.parent / file
    if not path.is_file():
        raise UserError(f"{study}: field {name}: {path}: no such file")
    return str(path)


def _read_settings(path: Path) -> dict[str, Any]:
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected settings by name, got {type(values).__name__}")
    return values
