"""The steps of a run: which public command each is, what it reads and what it writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deploy.pipeline_scale import config_path
from deploy.pipeline_settings import RunSettings
from deploy.pipeline_state import Step, lying_in
from lightning_modules.recordings_budget import TEST_LIST
from search_spaces.budget import check_budget
from search_spaces.cost_table import read_cost_table
from search_spaces.spaces import get_space


def plan(settings: RunSettings) -> Iterator[Step]:
    """Yield the steps in order; those after the search are known once it is done.

    What can refuse its input comes before what takes long: the clips read the speech, and the cost
    table tells whether the budget can be met, before anything is trained.

    Raises:
        UserError: no net of the space meets the budget by the cost table.
    """
    if settings.scale.task == "counts":
        yield _clips(settings)
    yield _cost_table(settings)
    table = read_cost_table(settings.out / "cost_table.json")
    space, budget = get_space(settings.scale.space), settings.scale.budget
    check_budget(space, table, budget, settings.num_outputs)
    if settings.scale.begin_config:
        yield _begin(settings)
    yield _fit(settings)
    yield _search(settings)
    frontiers = [settings.out / "search" / "frontier.json"]
    if settings.scale.tune_steps:
        yield _tune(settings)
        frontiers.append(settings.out / "tune" / "frontier.json")
    for frontier in frontiers:
        yield _lower(settings, frontier)
    bundles: dict[Path, tuple[str, ...]] = {}
    for frontier in frontiers:
        bundles |= _bundles(settings, frontier)
    yield _benchmark(settings, list(bundles))
    for bundle, precisions in bundles.items():
        for precision in precisions:
            yield _evaluate(settings, bundle, precision)
    yield _report(settings)


def _clips(settings: RunSettings) -> Step:
    clips = settings.out / "test_clips"
    options = {
        "--speech": settings.scale.speech,
        "--protocol": settings.scale.protocol,
        "--split": "test",
        "--count": settings.scale.test_clips,
        "--seed": settings.seed,
        "--out": clips,
    }
    return settings.step(
        "clips",
        "lightning_modules clips",
        options,
        outputs=(clips,),
        clears=(clips,),
        hears_speech=True,
    )


def _cost_table(settings: RunSettings) -> Step:
    table = settings.out / "cost_table.json"
    options = {"--space": settings.scale.space, "--threads": settings.threads, "--out": table}
    begun = (table.with_suffix(".raw.jsonl"), table.with_suffix(".programs"))
    return settings.step(
        "cost-table", "deploy cost-table", options, outputs=(table,), clears=(table, *begun)
    )


def _begin(settings: RunSettings) -> Step:
    """A supernet that learns from speech which needs no label, and begins the one of `_fit`."""
    begun, config = _begun(settings), config_path(settings.scale.begin_config or "")
    options = {"--config": config, **_trainer_options(settings, begun.parent)}
    return settings.step(
        "begin",
        "lightning_modules fit",
        options,
        inputs=(config,),
        outputs=(begun,),
        clears=(begun.parent,),
    )


def _begun(settings: RunSettings) -> Path:
    return settings.out / "begin" / "supernet.pt"


def _fit_options(settings: RunSettings, folder: Path) -> dict[str, object]:
    scale = settings.scale
    data: dict[str, object] = {
        "--data.speech": scale.speech,
        "--data.protocol": scale.protocol,
        "--data.labelled_clips": scale.labelled_clips,
    }
    if scale.task == "classes":
        data = {
            "--data.root": scale.root,
            "--data.labelled_per_class": scale.labelled_per_class,
            "--model.space": scale.space,
        }
    if scale.begin_config:
        data |= {
            "--model.initial_weights": _begun(settings),
            "--data.singles_from": _begun(settings),
        }
    return {
        "--config": config_path(scale.fit_config),
        **data,
        **_trainer_options(settings, folder),
    }


def _trainer_options(settings: RunSettings, folder: Path) -> dict[str, object]:
    return {
        "--seed_everything": settings.seed,
        "--trainer.default_root_dir": folder,
        "--trainer.precision": settings.train_precision,
    }


def _fit(settings: RunSettings) -> Step:
    train, scale = settings.out / "train", settings.scale
    return settings.step(
        "fit",
        "lightning_modules fit",
        _fit_options(settings, train),
        inputs=(
            config_path(scale.fit_config),
            *((_begun(settings),) if scale.begin_config else ()),
        ),
        outputs=(
            *(train / "supernet.pt", train / "clips.npz", train / "labels.csv"),
            *((train / TEST_LIST,) if scale.task == "classes" else ()),
        ),
        clears=(train,),
        hears_speech=True,
    )


def _search(settings: RunSettings) -> Step:
    out, budget = settings.out, settings.scale.budget
    supernet, search = out / "train" / "supernet.pt", out / "search"
    options = {
        "--checkpoint": supernet,
        "--cost-table": out / "cost_table.json",
        "--max-latency-ms": budget.max_latency_ms,
        "--max-params": budget.max_params,
        "--max-energy-mj": budget.max_energy_mj,
        "--seed": settings.seed,
        "--out": search,
    }
    return settings.step(
        "search",
        "search_spaces search",
        options,
        inputs=(supernet, supernet.with_name("clips.npz"), out / "cost_table.json"),
        outputs=(search,),
        clears=(search,),
    )


def _tune(settings: RunSettings) -> Step:
    """The best winner is trained on alone, from the weights that it inherited."""
    supernet, tune = settings.out / "train" / "supernet.pt", settings.out / "tune"
    best = settings.out / "search" / "best.json"
    options = {
        **_fit_options(settings, tune),
        "--model.architecture": best,
        "--model.initial_weights": supernet,
        "--trainer.max_steps": settings.scale.tune_steps,
    }
    return settings.step(
        "tune",
        "lightning_modules fit",
        options,
        inputs=(config_path(settings.scale.fit_config), best, supernet),
        outputs=(tune / "frontier.json", tune / "weights", tune / "subnet.pt"),
        clears=(tune,),
        hears_speech=True,
    )


def _lower(settings: RunSettings, frontier: Path) -> Step:
    from deploy.bundle import MANIFEST  # here, since it brings torch

    out = settings.out
    clips, bundles = out / "train" / "clips.npz", tuple(_bundle_folders(settings, frontier))
    first = frontier.parent.name == "search"
    # Winners of another search that lay there would pass for this one's.
    there = lying_in(out / "bundles", MANIFEST) if first else ()
    options = {"--frontier": frontier, "--clips": clips, "--out": out / "bundles"}
    return settings.step(
        "lower",
        "deploy lower",
        options,
        label="" if first else frontier.parent.name,
        inputs=(frontier, frontier.with_name("weights"), clips),
        outputs=bundles,
        clears=(*dict.fromkeys((*bundles, *there)), out / "measurements", out / "evaluations"),
    )


def _benchmark(settings: RunSettings, bundles: list[Path]) -> Step:
    measurements = settings.out / "measurements"
    options = {"--bundle": bundles, "--threads": settings.threads, "--out": measurements}
    return settings.step(
        "benchmark",
        "deploy benchmark",
        options,
        inputs=(settings.out / "bundles",),
        outputs=(measurements,),
        clears=(measurements,),
    )


def _evaluate(settings: RunSettings, bundle: Path, precision: str) -> Step:
    label = f"{bundle.name}-{precision}"
    clips = settings.out / "test_clips"
    if settings.scale.task == "classes":
        clips = settings.out / "train" / TEST_LIST
    evaluation = settings.out / "evaluations" / f"{label}.json"
    options = {"--bundle": bundle, "--precision": precision, "--clips": clips, "--out": evaluation}
    return settings.step(
        "evaluate",
        "deploy evaluate",
        options,
        label=label,
        inputs=(bundle, clips),
        outputs=(evaluation,),
    )


def _report(settings: RunSettings) -> Step:
    out = settings.out
    read = ("cost_table.json", "search", "bundles", "measurements", "evaluations")
    return settings.step(
        "report",
        "deploy report",
        {"--run": out},
        inputs=tuple(out / name for name in read),
        outputs=(out / "report.html",),
    )


def _bundle_folders(settings: RunSettings, frontier: Path) -> list[Path]:
    from search_spaces.frontier import read_frontier  # here, since it brings torch

    return [settings.out / "bundles" / winner.name for winner in read_frontier(frontier).winners]


def _bundles(settings: RunSettings, frontier: Path) -> dict[Path, tuple[str, ...]]:
    """The bundle of each winner, with the precisions that lowering kept."""
    from deploy.bundle import read_bundle  # here, since it brings torch

    folders = _bundle_folders(settings, frontier)
    return {folder: tuple(read_bundle(folder).precisions) for folder in folders}
