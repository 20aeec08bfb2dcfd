"""The report's files with what no schema says but its tables and pictures need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.bundle import MANIFEST, Bundle, read_bundle
from deploy.evaluation import read_evaluation
from deploy.measurement import read_measurement
from deploy.probe_file import read_probe
from search_spaces.architecture import Architecture
from search_spaces.cost_fit import PRECISIONS
from search_spaces.cost_table import CostTable, read_cost_table
from search_spaces.errors import UserError
from search_spaces.frontier import Frontier, read_frontier
from search_spaces.task_json import read_task

# What is drawn is multiplied and divided before; nothing that was measured comes near these.
_SMALLEST, _LARGEST = 1e-300, 1e100


def checked_frontier(path: Path) -> Frontier:
    """A `frontier.json` whose winners can be drawn.

    Raises:
        UserError: as `read_frontier`, or a figure that cannot be shown.
    """
    frontier = read_frontier(path)
    _check_figures(path, frontier.raw)
    for at, winner in enumerate(frontier.winners):
        for precision, latency_ms in (winner.predicted_latency_ms or {}).items():
            if not latency_ms:
                field = f"$.winners[{at}].predicted_latency_ms.{precision}"
                raise UserError(f"{path}: field {field}: {latency_ms:g}, expected above 0")
    return frontier


def checked_cost_table(path: Path) -> CostTable:
    """A `cost_table.json` that predicts the subnets that it holds out.

    Raises:
        UserError: as `read_cost_table`, or a figure that cannot be shown.
    """
    table = read_cost_table(path)
    for at, piece in enumerate(table.held_out_pieces):
        _check_figures(path, {"held_out_pieces": {str(at): piece.latency_ms}})
        net = Architecture(table.space["name"], table.space["version"], piece.choices)
        for precision in PRECISIONS:
            if table.has("latency_ms", precision):
                latency_ms = table.latency_ms(net, precision)
                if not _drawable(latency_ms):
                    raise UserError(
                        f"{path}: field $.fits: predict {latency_ms:g} ms at {precision} for"
                        f" $.held_out_pieces[{at}], which cannot be"
                    )
    return table


def checked_bundle(path: Path) -> Bundle:
    """A bundle whose figures can be shown.

    Raises:
        UserError: as `read_bundle`, or a figure that cannot be shown.
    """
    bundle = read_bundle(path)
    _check_figures(path / MANIFEST, bundle.manifest)
    read_task(bundle.manifest)  # names or levels that cannot be
    return bundle


def checked_evaluation(path: Path) -> dict[str, Any]:
    """An `evaluation.json` with the figures of its task and matrices of its levels or classes.

    Raises:
        UserError: as `read_evaluation`, or a figure that is missing or cannot be shown.
    """
    value = _with_figures(path, read_evaluation)
    task = read_task(value)
    for metric in task.judged_by:
        if metric.key not in value["metrics"]:
            raise UserError(f"{path}: field $.metrics: {metric.key!r} is missing")
    if "task" in value:
        sizes = {"confusion": len(value["task"]["names"])}
    else:
        counts = max(1, len(value["count_confusion"]))
        sizes = {"level_confusion": len(value["levels"]["names"]), "count_confusion": counts}
    for field, size in sizes.items():
        matrix = value[field]
        if matrix is not None and list(map(len, matrix)) != [size] * size:
            raise UserError(f"{path}: field $.{field}: expected {size} rows of {size} numbers")
    return value


def checked_measurement(path: Path) -> dict[str, Any]:
    """A `measurement.json` that says how energy was measured, or why it was not.

    Raises:
        UserError: as `read_measurement`, or a figure that cannot be shown.
    """
    value = _with_figures(path, read_measurement)
    needed = "reason" if value["energy"]["value_mj"] is None else "method"
    if value["energy"][needed] is None:
        raise UserError(f"{path}: field $.energy.{needed}: null, expected a text")
    return value


def checked_probe(path: Path) -> dict[str, Any]:
    """A `probe.json` whose figures can be drawn.

    Raises:
        UserError: as `read_probe`, or a figure that cannot be shown.
    """
    return _with_figures(path, read_probe)


def _with_figures(path: Path, read: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    value = read(path)
    _check_figures(path, value)
    return value


def _check_figures(path: Path, value: Any) -> None:
    """Refuse figures that cannot be drawn, in a file of any format.

    Raises:
        UserError: a number beyond all that is measured, or an estimate without its interval.
    """
    waiting = [("$", value)]
    while waiting:
        field, found = waiting.pop()
        if isinstance(found, dict):
            ends = (found.get("low", 0), found.get("high", 0))
            if found.get("value") is not None and None in ends:
                raise UserError(f"{path}: field {field}: has a value but no interval beside it")
            waiting += [(f"{field}.{name}", inner) for name, inner in found.items()]
        elif isinstance(found, list):
            waiting += [(f"{field}[{at}]", inner) for at, inner in enumerate(found)]
        elif isinstance(found, int | float) and found and not _drawable(found):
            raise UserError(f"{path}: field {field}: {str(found)[:20]} is no figure to be shown")


def _drawable(number: float) -> bool:
    return _SMALLEST <= abs(number) <= _LARGEST
