"""`python -m search_spaces best`: the winner of an NNI experiment as files that lowering reads."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search_spaces.best_architectures import is_of_architecture, write_frontier_of
from search_spaces.errors import UserError
from search_spaces.files import atomic_path, write_json
from search_spaces.frontier import Frontier, load_winner, read_frontier
from search_spaces.nni_records import Trial, read_trials
from search_spaces.search_result import check_out


def write_best(experiment: str, out: Path, folder: Path | None = None) -> tuple[Trial, Frontier]:
    """Write the winner's frontier, weights and picture into ``out``; `trial.json` says whose.

    Of an experiment over recipes that is the best trial's frontier, copied; of one over
    architectures the frontier of all its trials, of which the best judged the best net.

    Raises:
        UserError: as `best_trial` and `best_architectures.write_frontier_of`; or the winner's files
            are gone, or lie on another machine; or ``out`` is a folder of other things.
    """
    trials = read_trials(experiment, folder)
    check_out(out)
    if any(is_of_architecture(trial) for trial in trials):
        trial, frontier = write_frontier_of(experiment, trials, out)
        record: dict[str, Any] = {}
    else:
        trial = best_trial(experiment, trials)
        result = trial.result or {}
        source = Path(result["frontier"])
        frontier = _copy(source, out, trial)
        searched = source.parent.name == "search"  # else `fit` wrote it for a net trained alone
        figure, run = (
            ("hypervolume", source.parent.parent) if searched else ("accuracy", source.parent)
        )
        record = {figure: result["default"], "run": str(run)}
    whose = {"experiment": experiment, "trial": trial.name, "number": trial.number}
    write_json(out / "trial.json", {**whose, "parameters": trial.parameters, **record})
    return trial, frontier


def best_trial(experiment: str, trials: Sequence[Trial]) -> Trial:
    """The trial of the largest hypervolume, or of the best net trained alone.

    Raises:
        UserError: none has finished.
    """
    finished = [trial for trial in trials if isinstance((trial.result or {}).get("frontier"), str)]
    if not finished:
        counts = Counter(trial.status for trial in trials)
        stand = ", ".join(f"{number} {status}" for status, number in counts.items()) or "no trial"
        raise UserError(
            f"--experiment: {experiment} has no finished trial ({stand}); wait for one, see"
            f" `nnictl trial ls {experiment}`, or go on with `nnictl resume {experiment}`"
        )
    return max(finished, key=lambda trial: (trial.result or {})["default"])


def _copy(source: Path, out: Path, trial: Trial) -> Frontier:
    """Copy a trial's `frontier.json` and what it names."""
    if not source.is_file():
        raise UserError(
            f"{source}: no such file, though trial {trial.name} wrote it; it lies on the machine"
            " that ran the trial, or was deleted"
        )
    frontier = read_frontier(source)
    for winner in frontier.winners:
        load_winner(source, winner)  # refuses weights that are missing or changed
    pictures = [name for name in ("frontier.png",) if source.with_name(name).is_file()]
    weights = [winner.weights_file for winner in frontier.winners]
    for name in (*pictures, *weights, source.name):  # the frontier last: it names the others
        with atomic_path(out / name) as temporary:
            shutil.copyfile(source.parent / name, temporary)
    return frontier
