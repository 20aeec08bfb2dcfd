"""Search one frontier: from a trained supernet and a budget to winners with weights."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.progress import Progress

from search_spaces.ambiance import AmbianceLevels
from search_spaces.architecture import from_indices, write_architecture
from search_spaces.budget import Budget, Indices, Prices, check_budget
from search_spaces.clips_file import read_clips
from search_spaces.cost_table import read_cost_table
from search_spaces.evaluations import Evaluations, inputs_key
from search_spaces.evolution import evolve
from search_spaces.files import sha256_file
from search_spaces.frontier import write_frontier
from search_spaces.judge import SubnetJudge
from search_spaces.nni_search import explore_by_nni
from search_spaces.outcome import choose, draw, objective_axes
from search_spaces.records import name_of, point_record, winner_record
from search_spaces.space import FRONTEND_DIMENSIONS, Choice
from search_spaces.supernet_file import read_supernet
from search_spaces.task_counts import CountsTask
from search_spaces.task_json import task_fields


@dataclass(frozen=True)
class SearchFiles:
    """Paths that a search reads and the folder that it writes."""

    checkpoint: Path
    clips: Path
    cost_table: Path | None
    out: Path


@dataclass(frozen=True)
class SearchSize:
    """How much is looked at: nets per generation, generations, winners, clips per judgement.

    Attributes:
        strategy: ``nsga2``, or one of NNI's (`nni_adapter.STRATEGIES`), which looks at population
            times generations nets, those beyond the budget included.
    """

    population: int = 20
    generations: int = 5
    winners: int = 4
    ranking_clips: int = 200
    calibration_clips: int = 96
    strategy: str = "nsga2"


def search(
    files: SearchFiles,
    budget: Budget,
    levels: AmbianceLevels,
    size: SearchSize,
    seed: int,
    fixed: Mapping[str, Choice] = MappingProxyType({}),
    minimise: Sequence[str] = (),
) -> dict[str, Any]:
    """Search, and write `frontier.json`, `best.json`, `weights/`, `frontier.png` to ``files.out``.

    The same inputs and seed give the same frontier on the same machine. A killed search continues
    from the judgements in `evaluations.jsonl`; one with another budget makes use of them too.
    Only nets that make the choices in ``fixed`` are looked at; ``minimise`` names the costs that
    are objectives (see `outcome.objective_axes`).

    Returns:
        What was written to `frontier.json`.

    Raises:
        UserError: an input that is missing or does not fit, or a budget that no net meets.
    """
    started = time.monotonic()
    table = read_cost_table(files.cost_table) if files.cost_table else None
    clips = read_clips(files.clips)
    checkpoint = read_supernet(files.checkpoint)
    supernet, task = checkpoint.supernet, checkpoint.task
    if isinstance(task, CountsTask):
        task = CountsTask(levels)
    spec = supernet.spec.restricted(fixed)
    prices, witness = check_budget(spec, table, budget, supernet.num_outputs)
    axes = objective_axes(prices, minimise)
    judge = SubnetJudge(
        supernet,
        clips,
        task,
        ranking_clips=size.ranking_clips,
        calibration_clips=size.calibration_clips,
        seed=seed,
    )
    inputs = {
        "checkpoint": _input(files.checkpoint),
        "clips": _input(files.clips),
        "cost_table": _input(files.cost_table) if files.cost_table else None,
    }
    key = inputs_key(
        {
            "checkpoint": sha256_file(files.checkpoint),
            "clips": sha256_file(files.clips),
            "ranking_clips": judge.ranking_clips,
            "calibration_clips": judge.calibration_clips,
            **({"fixed": dict(fixed)} if fixed else {}),  # other places for the same net
        }
    )
    with Evaluations(files.out / "evaluations.jsonl", key) as evaluations, _progress() as progress:
        bar = progress.add_task("judging subnets", total=size.population * size.generations)

        def judge_all(nets: Sequence[Indices]) -> list[float]:
            # Nets of one front end follow each other, for the judge holds only so many features.
            for net in sorted(nets, key=lambda net: _frontend_of(prices, net)):
                if net not in evaluations:
                    evaluations.add(net, judge.ranking_error(from_indices(spec, net)))
                progress.advance(bar)
            return [evaluations[net] for net in nets]

        start = tuple(witness.indices(spec))
        if size.strategy == "nsga2":
            judged = evolve(
                prices,
                budget.limits,
                start,
                judge_all,
                axes,
                population=size.population,
                generations=size.generations,
                seed=seed,
            )
        else:
            judged = explore_by_nni(
                size.strategy,
                prices,
                budget.limits,
                start,
                judge_all,
                nets=size.population * size.generations,
                seed=seed,
            )
        progress.update(bar, completed=size.population * size.generations)
    front, chosen = choose(prices, axes, judged, size.winners)
    best = chosen[0]
    chosen.sort(key=lambda net: prices.of(net)[axes[0]])
    winners = [_winner(files.out, judge, prices, net, judged[net]) for net in chosen]
    value = {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "space": {"name": supernet.spec.name, "version": supernet.spec.version},
        **task_fields(task),
        "budget": asdict(budget),
        "inputs": inputs,
        "objectives": ["ranking_error", *axes],
        "search": {
            "algorithm": size.strategy,
            "population": size.population,
            "generations": size.generations,
            "evaluations": len(judged),
            "seconds": round(time.monotonic() - started, 3),
            "ranking_clips": judge.ranking_clips,
            "calibration_clips": judge.calibration_clips,
        },
        "best": name_of(prices, best),
        "winners": winners,
        "points": [point_record(prices, net, judged[net]) for net in front],
    }
    write_architecture(files.out / "best.json", from_indices(spec, best))
    draw(files.out / "frontier.png", value, task, prices, axes[0], judged, front)
    write_frontier(files.out / "frontier.json", value)
    return value


def _winner(
    out: Path, judge: SubnetJudge, prices: Prices, net: Indices, error: float
) -> dict[str, Any]:
    """Judge a winner finally and write its weights into ``out``; gives its entry in the file."""
    architecture = from_indices(prices.space, net)
    module, figures = judge.final(architecture)
    point = point_record(prices, net, error)
    return winner_record(out, point, architecture, module, figures, judge.supernet.num_outputs)


def _frontend_of(prices: Prices, net: Indices) -> tuple[str, ...]:
    choices = from_indices(prices.space, net).choices
    return tuple(str(choices[name]) for name in FRONTEND_DIMENSIONS)


def _input(path: Path) -> dict[str, str]:
    return {"path": str(path), "sha256": sha256_file(path)}


def _progress() -> Progress:
    return Progress(console=Console(stderr=True))
