"""One net that was given and trained alone, in the form in which a search leaves its winners."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from pathlib import Path

from search_spaces.architecture import Architecture
from search_spaces.budget import Budget, Prices
from search_spaces.clips_file import read_clips_for
from search_spaces.files import sha256_file
from search_spaces.frontier import write_frontier
from search_spaces.judge import labelled_metrics, validation_ranking_error
from search_spaces.records import point_record, winner_record
from search_spaces.spaces import any_space
from search_spaces.supernet import Subnet
from search_spaces.task import Task
from search_spaces.task_json import task_fields


def write_single(
    folder: Path,
    architecture: Architecture,
    net: Subnet,
    weights: Path,
    clips: Path,
    seed: int,
    task: Task,
    suffix: str = "",
) -> Path:
    """Write `frontier.json` and `weights/` of the one net, for `deploy lower`.

    Args:
        folder: to write into.
        architecture: of the net.
        net: trained, in evaluation mode, on the CPU; its batch norm statistics are its own.
        weights: the `subnet.pt` that it comes from.
        clips: `clips.npz` that judges it.
        seed: of the bootstrap.
        task: of the net.
        suffix: of its name, to tell it from the same net with other weights.

    Returns:
        Path of `frontier.json`.
    """
    spec, num_outputs = any_space(architecture.space), len(task.outputs)
    loaded = read_clips_for(clips, spec, task)
    error = validation_ranking_error(net, loaded, task)
    judged = labelled_metrics(net, loaded, task, seed)
    prices = Prices(spec, None, "int8", num_outputs)
    point = point_record(prices, tuple(architecture.indices(spec)), error)
    point["name"] += suffix
    winner = winner_record(folder, point, architecture, net, judged, num_outputs)
    inputs = {
        name: {"path": str(path), "sha256": sha256_file(path)}
        for name, path in (("checkpoint", weights), ("clips", clips))
    }
    value = {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "space": {"name": spec.name, "version": spec.version},
        **task_fields(task),
        "budget": asdict(Budget()),
        "inputs": {**inputs, "cost_table": None},
        "objectives": ["ranking_error", "macs"],
        "search": {
            "algorithm": "none",
            "population": 1,
            "generations": 1,
            "evaluations": 1,
            "seconds": 0.0,
            "ranking_clips": len(loaded.validation_lo),
            "calibration_clips": len(loaded.calibration_waveform),
        },
        "best": point["name"],
        "winners": [winner],
        "points": [point],
    }
    write_frontier(folder / "frontier.json", value)
    return folder / "frontier.json"
