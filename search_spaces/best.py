"""`python -m search_spaces best`: the winner of an NNI experiment as files that lowering reads."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from search_spaces.errors import UserError
from search_spaces.files import atomic_path, write_json
from search_spaces.frontier import Frontier, load_winner, read_frontier
from search_spaces.nni_records import Trial, read_trials


def best_trial(experiment: str, folder: Path | None = None) -> Trial:
    """The trial of the largest hypervolume.

    Raises:
        UserError: no such experiment, or none of its trials has finished.
    """
    trials = read_trials(experiment, folder)
    finished = [
        trial for trial in trials if trial.result is not None and "frontier" in trial.result
    ]
    if not finished:
        counts = Counter(trial.status for trial in trials)
        stand = ", ".join(f"{number} {status}" for status, number in counts.items()) or "no trial"
        raise UserError(
            f"--experiment: {experiment} has no finished trial ({stand}); wait for one, see"
            f" `nnictl trial ls {experiment}`, or go on with `nnictl resume {experiment}`"
        )
    return max(finished, key=lambda trial: (trial.result or {})["default"])


def write_best(experiment: str, out: Path, folder: Path | None = None) -> tuple[Trial, Frontier]:
    """Copy the winner's frontier, weights and picture into ``out``; `trial.json` says whose.

    Raises:
        UserError: as `best_trial`; or its files are gone, or lie on another machine.
    """
    trial = best_trial(experiment, folder)
    result = trial.result or {}
    source = Path(result["frontier"])
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
    record = {
        "experiment": experiment,
        "trial": trial.name,
        "number": trial.number,
        "hypervolume": result["default"],
        "parameters": trial.parameters,
        "run": str(source.parent.parent),
    }
    write_json(out / "trial.json", record)
    return trial, frontier
