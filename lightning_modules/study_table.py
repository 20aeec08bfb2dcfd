"""`study.csv` and `groups.csv`: every finished row with its figures, intervals and compute."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning_modules.study_design import Row
from lightning_modules.study_fits import fit_folder, fit_seconds
from lightning_modules.study_groups import (
    ENDS,
    GROUP_COLUMNS,
    Judged,
    column,
    figure_text,
    groups_of,
)
from lightning_modules.study_stages import seconds_of
from lightning_modules.study_task import StudyTask
from search_spaces.files import atomic_path
from search_spaces.processor import processor_name, usable_cores

ROW, GROUPS = "row.csv", "groups.csv"  # in the folder of a row
STUDY = "study.csv"
PRECISIONS = ("fp32", "int8")
STAGES = ("begin", "fit", "search", "lower", "evaluate")  # the first two are trainings


def write_row(
    task: StudyTask,
    folder: Path,
    row: Row,
    out: Path,
    manifest: dict[str, Any],
    judged: Sequence[Judged],
) -> None:
    """Write a finished row's `groups.csv` and, last, its `row.csv`, which marks it finished."""
    groups = [line for each in judged for line in groups_of(row.id, each)]
    _write(folder / GROUPS, GROUP_COLUMNS[task.kind], groups)
    figures = {**_what(task, row, out, manifest), **_compute(row, out, folder)}
    for each in judged:
        figures |= _figures(task, each)
    _write(folder / ROW, tuple(figures), [figures])


def collect(task: StudyTask, out: Path, rows: Iterable[Row]) -> list[dict[str, str]]:
    """Write `study.csv` and `groups.csv` of all finished rows, in the order of the study.

    Returns:
        The rows of `study.csv`; an empty text where there is no figure.
    """
    finished: list[dict[str, str]] = []
    groups: list[dict[str, str]] = []
    for row in rows:
        folder = out / "rows" / row.id
        if (folder / ROW).exists():
            finished += read_lines(folder / ROW)
            groups += read_lines(folder / GROUPS)
    # A row whose int8 was refused has fewer figures than others.
    columns = sorted({name for line in finished for name in line}, key=_place(finished))
    _write(out / STUDY, columns, finished)
    _write(out / GROUPS, GROUP_COLUMNS[task.kind], groups)
    return [{column: line.get(column, "") for column in columns} for line in finished]


def _what(task: StudyTask, row: Row, out: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    data, costs = row.fit.values["data"], manifest["costs"]
    latency = costs["predicted_latency_ms"] or {}
    validation = manifest["precisions"]["fp32"]["validation"][task.headline]
    return {
        "row": row.id,
        "comparison": row.comparison,
        "variant": row.variant,
        "net": row.net,
        "chosen_by": row.chosen_by,
        "size_mmacs": "" if row.size_mmacs is None else row.size_mmacs,
        "budget": row.budget,
        "labelled_clips": task.labelled_clips(row.clips, fit_folder(out, row.fit)),
        "protocol": row.protocol,
        "seed": row.seed,
        "test": row.test,
        "steps": row.fit.steps,
        "labelled_clips_seen": row.fit.steps * data["labelled_batch_size"],
        "unlabelled_clips_seen": row.fit.steps * data["unlabelled_batch_size"],
        "architecture": manifest["name"],
        "params": costs["params"],
        "macs": costs["macs"],
        "predicted_int8_latency_ms": latency.get("int8", ""),
        "temperature": manifest["temperature"],
        f"validation_{task.headline}": figure_text(validation["value"]),
        "validation_clips": validation["clips"],
        "int8_reason": manifest["int8_reason"] or "",
    }


def _compute(row: Row, out: Path, folder: Path) -> dict[str, Any]:
    begun = row.fit.begins_with
    seconds = {**seconds_of(folder), **seconds_of(fit_folder(out, row.fit))}
    if begun is not None:
        seconds["begin"] = fit_seconds(out, begun) or 0.0
    return {
        "fit": row.fit.id,  # rows that share it share its seconds too
        "begins_with": "" if begun is None else begun.id,
        **{f"{stage}_seconds": round(seconds.get(stage, 0.0), 1) for stage in STAGES},
        "machine": machine(),
        "versions": f"ersam-kit {version('ersam-kit')}, torch {version('torch')}",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def machine() -> str:
    """The processor and the cores that this process may use."""
    return f"{processor_name()}, {usable_cores()} cores"


def _figures(task: StudyTask, judged: Judged) -> dict[str, str]:
    metrics, prefix = judged.evaluation["metrics"], f"{judged.protocol}_{judged.precision}"
    figures = {
        f"{prefix}_{column(name, end)}": figure_text(metrics[name][end])
        for name in task.metrics
        for end in ENDS
    }
    figures[f"{prefix}_ece_before"] = figure_text(metrics["ece_before_temperature"])
    figures[f"{prefix}_ece"] = figure_text(metrics["ece"])
    return figures


def _place(lines: Sequence[Mapping[str, str]]) -> Any:
    """Sort key of a column: where the fullest row has it; figures by protocol and precision."""
    fullest = max(lines, key=len, default={})
    order = {name: at for at, name in enumerate(fullest)}
    return lambda name: (order.get(name, len(order)), name)


def _write(path: Path, columns: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def read_lines(path: Path) -> list[dict[str, str]]:
    """The lines of one of these tables, by column."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def figure_columns(task: StudyTask) -> list[str]:
    """Every column that a judged net can fill, e.g. ``rooms_int8_level_error``."""
    return [
        f"{protocol}_{precision}_{metric}"
        for protocol in task.conditions
        for precision in PRECISIONS
        for metric in task.metrics
    ]
