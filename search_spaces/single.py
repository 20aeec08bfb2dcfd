"""One net that was given and trained alone, in the form in which a search leaves its winners."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from pathlib import Path

from search_spaces.ambiance import AmbianceLevels
from search_spaces.architecture import Architecture
from search_spaces.blocks import AmbianceNet
from search_spaces.budget import Budget, Prices
from search_spaces.clip import NUM_COUNTS
from search_spaces.clips_file import read_clips
from search_spaces.files import sha256_file
from search_spaces.frontier import write_frontier
from search_spaces.judge import labelled_metrics, validation_ranking_error
from search_spaces.records import point_record, winner_record
from search_spaces.space import get_space


def write_single(
    folder: Path,
    architecture: Architecture,
    net: AmbianceNet,
    weights: Path,
    clips: Path,
    seed: int,
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
        suffix: of its name, to tell it from the same net with other weights.

    Returns:
        Path of `frontier.json`.
    """
    levels, loaded = AmbianceLevels(), read_clips(clips)
    spec = get_space(architecture.space)
    error = validation_ranking_error(net, loaded)
    evaluation = labelled_metrics(net, loaded, levels, seed)
    point = point_record(Prices(spec, None, "int8"), tuple(architecture.indices(spec)), error)
    point["name"] += suffix
    winner = winner_record(folder, point, architecture, net, evaluation, NUM_COUNTS)
    inputs = {
        name: {"path": str(path), "sha256": sha256_file(path)}
        for name, path in (("checkpoint", weights), ("clips", clips))
    }
    value = {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "space": {"name": spec.name, "version": spec.version},
        "levels": {"edges": list(levels.edges), "names": list(levels.names)},
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
