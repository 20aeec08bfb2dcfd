"""Search one frontier: from a trained supernet and a budget to winners with weights."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.progress import Progress

from search_spaces.ambiance import AmbianceLevels
from search_spaces.architecture import from_indices
from search_spaces.budget import Budget, Indices, Prices
from search_spaces.evaluations import Evaluations
from search_spaces.evolution import evolve
from search_spaces.file_lock import held
from search_spaces.nni_search import explore_by_nni
from search_spaces.search_result import LOCK, How, check_out, write_result
from search_spaces.search_setup import SearchFiles, SearchSize, prepare
from search_spaces.space import FRONTEND_DIMENSIONS, Choice


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
        UserError: an input that is missing or does not fit, a budget that no net meets, a folder of
            other things, or one in which another search is at work.
    """
    started = time.monotonic()
    check_out(files.out)
    setup = prepare(files, budget, levels, size, seed, fixed, minimise)
    nets = size.population * size.generations
    journal = files.out / "evaluations.jsonl"
    refusal = (
        f"--out {files.out}: another search is at work in this folder; wait for it or name another"
        " folder"
    )
    with (
        held(files.out / LOCK, refusal),
        Evaluations(journal, setup.key) as evaluations,
        _progress() as progress,
    ):
        task = progress.add_task("judging subnets", total=nets)

        def judge_all(asked: Sequence[Indices]) -> list[float]:
            # Nets of one front end follow each other, for the judge holds only so many features.
            for net in sorted(asked, key=lambda net: _frontend_of(setup.prices, net)):
                if net not in evaluations:
                    error = setup.judge.ranking_error(from_indices(setup.spec, net))
                    evaluations.add(net, error)
                progress.advance(task)
            return [evaluations[net] for net in asked]

        if size.strategy == "nsga2":
            judged = evolve(
                setup.prices,
                budget.limits,
                setup.start,
                judge_all,
                setup.axes,
                population=size.population,
                generations=size.generations,
                seed=seed,
            )
        else:
            judged = explore_by_nni(
                size.strategy,
                setup.prices,
                budget.limits,
                setup.start,
                judge_all,
                nets=nets,
                seed=seed,
            )
        progress.update(task, completed=nets)
        seconds = round(time.monotonic() - started, 3)
        how = How(size.strategy, size.population, size.generations, seconds)
        return write_result(setup, judged, size.winners, how)


def _frontend_of(prices: Prices, net: Indices) -> tuple[str, ...]:
    choices = from_indices(prices.space, net).choices
    return tuple(str(choices[name]) for name in FRONTEND_DIMENSIONS)


def _progress() -> Progress:
    return Progress(console=Console(stderr=True))
