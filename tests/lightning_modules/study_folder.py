"""A study whose commands are not run: rows with made-up figures, as the real ones write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning_modules.study_design import Row
from lightning_modules.study_groups import Judged
from lightning_modules.study_reads import note_read
from lightning_modules.study_row import Shared, row_folder
from lightning_modules.study_table import write_row
from lightning_modules.study_task_counts import CountsStudy


def estimate(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "clips": 4}


def evaluation(error: float) -> dict[str, Any]:
    group = {"clips": 4, "level_error": estimate(error), "mae": estimate(error)}
    return {
        "metrics": {
            **{name: estimate(error) for name in ("level_error", "mae", "exact_accuracy")},
            "ece": 0.05,
            "ece_before_temperature": 0.15,
        },
        "by_count": [{"count": 3, **group}],
        "by_snr_db": [{"low": None, "high": 5.0, **group}, {"low": 25.0, "high": None, **group}],
        "by_rt60_s": [{"low": 0.2, "high": 0.3, **group}],
        "by_sex": [{"sex": "women", **group}],
    }


def manifest(int8: bool = True) -> dict[str, Any]:
    return {
        "name": "net-0",
        "costs": {"params": 5000, "macs": 4_000_000, "predicted_latency_ms": {"int8": 0.4}},
        "temperature": 1.5,
        "precisions": {
            "fp32": {"validation": {"level_error": estimate(0.3)}},
            "int8": {} if int8 else None,
        },
        "int8_reason": None if int8 else "int8 was refused",
    }


def write_finished(row: Row, out: Path, error: float, int8: bool = True) -> None:
    """What `study_row.run_row` leaves of a row."""
    folder = row_folder(out, row)
    task = CountsStudy({})
    out.mkdir(exist_ok=True)
    judged = []
    for precision in ("fp32", "int8") if int8 else ("fp32",):
        for protocol in ("libricount", "rooms"):
            note_read(out, row.id, "net-0", precision, f"{protocol}-4-s0")
            judged.append(Judged(protocol, precision, evaluation(error)))
    write_row(task, folder, row, out, manifest(int8), judged)


def pretend_run(row: Row, shared: Shared) -> None:
    """Stands in for `study_row.run_row`."""
    write_finished(row, shared.out, 0.1 * row.seed)
