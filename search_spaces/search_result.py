"""From judged nets to `frontier.json`, `best.json`, `weights/` and `frontier.png`."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from search_spaces.architecture import from_indices, write_architecture
from search_spaces.budget import Indices
from search_spaces.files import refuse_foreign_folder
from search_spaces.frontier import check_frontier, write_frontier
from search_spaces.outcome import choose, draw
from search_spaces.records import name_of, point_record, winner_record
from search_spaces.search_setup import Setup
from search_spaces.task_json import task_fields

# What tells a folder of a search, or of an experiment's winner: the journal of the one, and whose
# the other is; and all else that either writes.
MARKS = ("evaluations.jsonl", "trial.json")
LOCK = ".lock"  # which a killed search leaves
FILES = (*MARKS, LOCK, "frontier.json", "frontier.png", "best.json", "weights")
_UNWRITTEN = {"file": "weights/net.pt", "sha256": "0" * 64}  # in the place of a winner's weights


def check_out(out: Path) -> None:
    """Refuse a folder ``--out`` that no search has written, before anything is judged.

    Raises:
        UserError: see `refuse_foreign_folder`.
    """
    refuse_foreign_folder(out, "--out", FILES, MARKS)


@dataclass(frozen=True)
class How:
    """How nets came to be judged; the fields are those of ``search`` in the file."""

    algorithm: str
    population: int
    generations: int
    seconds: float


def write_result(
    setup: Setup, judged: dict[Indices, float], winners: int, how: How
) -> dict[str, Any]:
    """Choose at most so many winners, judge them finally, and write the files.

    Args:
        setup: the judge and the folder.
        judged: ranking error of every net that was judged, all within the budget.
        winners: how many get weights.
        how: they were judged.

    Returns:
        What was written to `frontier.json`.
    """
    prices, axes, out = setup.prices, setup.axes, setup.files.out
    front, chosen = choose(prices, axes, judged, winners)
    best = chosen[0]
    chosen.sort(key=lambda net: prices.of(net)[axes[0]])
    points = {net: point_record(prices, net, judged[net]) for net in front}
    value: dict[str, Any] = {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": setup.seed,
        "space": {"name": setup.spec.name, "version": setup.spec.version},
        **task_fields(setup.task),
        "budget": asdict(setup.budget),
        "inputs": setup.inputs,
        "objectives": ["ranking_error", *axes],
        "search": {
            **asdict(how),
            "evaluations": len(judged),
            "ranking_clips": setup.judge.ranking_clips,
            "calibration_clips": setup.judge.calibration_clips,
        },
        "best": name_of(prices, best),
        "winners": [{**points[net], "weights": _UNWRITTEN} for net in chosen],
        "points": list(points.values()),
    }
    check_frontier(value)
    value["winners"] = [_winner(setup, net, points[net]) for net in chosen]
    write_architecture(out / "best.json", from_indices(setup.spec, best))
    draw(out / "frontier.png", value, setup.task, prices, axes[0], judged, front)
    write_frontier(out / "frontier.json", value)
    return value


def _winner(setup: Setup, net: Indices, point: dict[str, Any]) -> dict[str, Any]:
    """Judge a winner finally and write its weights; gives its entry in the file."""
    architecture = from_indices(setup.spec, net)
    module, figures = setup.judge.final(architecture)
    num_outputs = setup.judge.supernet.num_outputs
    return winner_record(setup.files.out, point, architecture, module, figures, num_outputs)
