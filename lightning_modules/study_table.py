"""`study.csv` and `groups.csv`: every finished row with its figures, intervals and compute."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from lightning_modules.mixtures_open import CONDITIONS
from lightning_modules.study_fits import fit_folder
from lightning_modules.study_grid import Row
from lightning_modules.study_stages import seconds_of
from search_spaces.files import atomic_path
from search_spaces.metrics import bootstrap_mean

ROW, GROUPS = "row.csv", "groups.csv"  # in the folder of a row
STUDY = "study.csv"
PRECISIONS = ("fp32", "int8")
METRICS = ("level_error", "mae", "exact_accuracy")
ENDS = ("value", "low", "high")
STAGES = ("fit", "search", "lower", "evaluate")
GROUP_COLUMNS = (
    *("row", "test_protocol", "precision", "by", "group", "clips"),
    *("level_error", "level_error_low", "level_error_high", "mae", "mae_low", "mae_high"),
)


@dataclass(frozen=True)
class Judged:
    """One evaluation of a row: ``evaluation.json`` with rows, and the table of its clips."""

    protocol: str
    precision: str
    evaluation: dict[str, Any]
    clips: Path


def write_row(
    folder: Path, row: Row, out: Path, manifest: dict[str, Any], judged: Sequence[Judged]
) -> None:
    """Write a finished row's `groups.csv` and, last, its `row.csv`, which marks it finished."""
    _write(folder / GROUPS, GROUP_COLUMNS, [line for each in judged for line in _groups(row, each)])
    figures = {**_what(row, manifest), **_compute(row, out, folder)}
    for each in judged:
        figures |= _figures(each)
    _write(folder / ROW, tuple(figures), [figures])


def collect(out: Path, rows: Iterable[Row]) -> list[dict[str, str]]:
    """Write `study.csv` and `groups.csv` of all finished rows, in the order of the study.

    Returns:
        The rows of `study.csv`; an empty text where there is no figure.
    """
    finished: list[dict[str, str]] = []
    groups: list[dict[str, str]] = []
    for row in rows:
        folder = out / "rows" / row.id
        if (folder / ROW).exists():
            finished += _read(folder / ROW)
            groups += _read(folder / GROUPS)
    # A row whose int8 was refused has fewer figures than others.
    columns = sorted({name for line in finished for name in line}, key=_place(finished))
    _write(out / STUDY, columns, finished)
    _write(out / GROUPS, GROUP_COLUMNS, groups)
    return [{column: line.get(column, "") for column in columns} for line in finished]


def _what(row: Row, manifest: dict[str, Any]) -> dict[str, Any]:
    data, costs = row.fit.values["data"], manifest["costs"]
    latency = costs["predicted_latency_ms"] or {}
    validation = manifest["precisions"]["fp32"]["validation"]["level_error"]
    return {
        "row": row.id,
        "comparison": row.comparison,
        "variant": row.variant,
        "net": row.net,
        "chosen_by": row.chosen_by,
        "size_mmacs": "" if row.size_mmacs is None else row.size_mmacs,
        "budget": row.budget,
        "labelled_clips": row.clips,
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
        "validation_level_error": _text(validation["value"]),
        "validation_clips": validation["clips"],
        "int8_reason": manifest["int8_reason"] or "",
    }


def _compute(row: Row, out: Path, folder: Path) -> dict[str, Any]:
    fit = fit_folder(out, row.fit)
    seconds = {**seconds_of(folder), **seconds_of(fit)}
    return {
        "fit": row.fit.id,  # rows that share it share its seconds too
        **{f"{stage}_seconds": round(seconds.get(stage, 0.0), 1) for stage in STAGES},
        "machine": machine(),
        "versions": f"ersam-kit {version('ersam-kit')}, torch {version('torch')}",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def machine() -> str:
    """The processor and the cores that this process may use."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = named[0] if named else model
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def _figures(judged: Judged) -> dict[str, str]:
    metrics, prefix = judged.evaluation["metrics"], f"{judged.protocol}_{judged.precision}"
    figures = {
        f"{prefix}_{name}{'' if end == 'value' else f'_{end}'}": _text(metrics[name][end])
        for name in METRICS
        for end in ENDS
    }
    figures[f"{prefix}_ece_before"] = _text(metrics["ece_before_temperature"])
    figures[f"{prefix}_ece"] = _text(metrics["ece"])
    return figures


def _groups(row: Row, judged: Judged) -> Iterator[dict[str, Any]]:
    evaluation = judged.evaluation
    place = {"row": row.id, "test_protocol": judged.protocol, "precision": judged.precision}
    groups = [("count", str(item["count"]), item) for item in evaluation["by_count"]]
    for field in ("snr_db", "rt60_s"):
        groups += [(field, _bounds(item), item) for item in evaluation[f"by_{field}"]]
    groups += [("sex", name, item) for name, item in _by_sex(judged).items()]
    for by, name, item in groups:
        line = {**place, "by": by, "group": name, "clips": item["clips"]}
        for metric in ("level_error", "mae"):
            for end in ENDS:
                column = metric if end == "value" else f"{metric}_{end}"
                line[column] = _text(item[metric][end])
        yield line


def _by_sex(judged: Judged) -> dict[str, dict[str, Any]]:
    """Errors on clips of women alone, of men alone and of both, where all voices are known."""
    sexes = {line["file"]: line["sexes"] for line in _read(judged.clips)}
    wanted = {"women": {"F"}, "men": {"M"}, "women and men": {"F", "M"}}
    result = {}
    for name, heard in wanted.items():
        lines = [
            line for line in judged.evaluation["rows"] if set(sexes.get(line["file"], "")) == heard
        ]
        if lines:
            wrong = [float(line["level"] != line["predicted_level"]) for line in lines]
            off_by = [float(abs(line["count"] - line["predicted_count"])) for line in lines]
            result[name] = {
                "clips": len(lines),
                "level_error": bootstrap_mean(np.array(wrong)).to_json(),
                "mae": bootstrap_mean(np.array(off_by)).to_json(),
            }
    return result


def _bounds(item: Mapping[str, Any]) -> str:
    low, high = item["low"], item["high"]
    if low is None:
        return f"below {high:g}"
    return f"{low:g} and more" if high is None else f"{low:g} to {high:g}"


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


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


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def figure_columns() -> list[str]:
    """Every column that a judged net can fill, e.g. ``rooms_int8_level_error``."""
    return [
        f"{protocol}_{precision}_{metric}"
        for protocol in CONDITIONS
        for precision in PRECISIONS
        for metric in METRICS
    ]
