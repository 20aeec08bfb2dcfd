"""The frontier of an NNI experiment whose trials each judged one net (`architecture_trial`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from search_spaces.architecture import Architecture
from search_spaces.architecture_trial import setup_of
from search_spaces.budget import Indices
from search_spaces.errors import UserError
from search_spaces.frontier import Frontier, read_frontier
from search_spaces.nni_records import Trial
from search_spaces.records import name_of
from search_spaces.search_options import parse_trial
from search_spaces.search_result import How, write_result

_TOLD = {"architecture", "ranking_error", "key", "folder", "arguments"}


def is_of_architecture(trial: Trial) -> bool:
    """Whether the trial judged one net, and told all of it."""
    return trial.result is not None and trial.result.keys() >= _TOLD


def write_frontier_of(
    experiment: str, trials: Sequence[Trial], out: Path
) -> tuple[Trial, Frontier]:
    """Make the frontier of all nets that were judged, and write it as a search does.

    Args:
        experiment: its id.
        trials: all of them.
        out: folder for the files.

    Returns:
        The trial that judged the best winner, and the frontier.

    Raises:
        UserError: every net was beyond the budget; supernet, clips or options are not those of all
            trials, or lie on another machine.
    """
    told = [(trial, trial.result or {}) for trial in trials if is_of_architecture(trial)]
    last = told[-1][1]
    options, folder = parse_trial(last["arguments"]), Path(last["folder"])
    setup = setup_of(options, folder, out)
    if any(result["key"] != setup.key for _, result in told):
        raise UserError(
            f"{setup.files.checkpoint}: it, its clips or the trials' options changed since the"
            f" trials of {experiment} began; start a new experiment"
        )
    judged: dict[Indices, float] = {}
    judges: dict[str, Trial] = {}
    for trial, result in told:
        if result["ranking_error"] is not None:
            net = tuple(Architecture.from_json(result["architecture"]).indices(setup.spec))
            judged.setdefault(net, result["ranking_error"])
            judges.setdefault(name_of(setup.prices, net), trial)
    if not judged:
        raise UserError(
            f"--experiment: none of the {len(told)} nets that {experiment} looked at is within the"
            " budget; run it for longer, or with a wider one"
        )
    ended_ms = max(trial.period_ms[1] for trial in trials)
    seconds = (ended_ms - min(trial.period_ms[0] for trial in trials)) / 1000
    how = How(algorithm="experiment", population=len(told), generations=1, seconds=seconds)
    write_result(setup, judged, options.winners, how)
    frontier = read_frontier(out / "frontier.json")
    return judges[frontier.best.name], frontier
