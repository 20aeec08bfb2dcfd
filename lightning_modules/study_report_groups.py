"""Where the best nets of a study err: by count, SNR, RT60 and sex, or by class and speaker."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lightning_modules.study_groups import GROUP_COLUMNS, column
from lightning_modules.study_summary import Line
from lightning_modules.study_table import GROUPS
from lightning_modules.study_task import StudyTask

_PRECISION = "fp32"
_TITLES = {"count": "people", "snr_db": "SNR, dB", "rt60_s": "RT60, s"}


def group_tables(task: StudyTask, out: Path, table: Sequence[Line]) -> Iterator[str]:
    """Lines of the page: for each test, the parts of it as its best net judged them.

    Args:
        task: of the study.
        out: its folder.
        table: its finished rows.
    """
    groups = _read(out / GROUPS)
    for condition in task.conditions:
        headline = f"{condition}_{_PRECISION}_{task.headline}"
        own = [
            line
            for line in table
            if task.own_test(line["protocol"]) == condition and line.get(headline)
        ]
        best = min(own, key=lambda line: float(line[headline]), default=None)
        if best is None:
            continue
        parts = [
            group
            for group in groups
            if (group["row"], group["test_protocol"], group["precision"])
            == (best["row"], condition, _PRECISION)
        ]
        if not parts:
            continue
        metrics = [
            name
            for name in task.metrics
            if name in GROUP_COLUMNS[task.kind] and any(part.get(name) for part in parts)
        ]
        yield f"## Where the best net errs: {condition}\n"
        what = f"{best['variant']}, {best['net']}, budget {best['budget']}"
        yield f"{what} (`{best['row']}`), {_PRECISION}.\n"
        yield f"| | | clips | {' | '.join(name.replace('_', ' ') for name in metrics)} |"
        yield "|---|---|---|" + "---|" * len(metrics)
        for part in parts:
            by = _TITLES.get(part["by"], part["by"])
            cells = (_estimate(part, name, task.second) for name in metrics)
            yield f"| {by} | {part['group']} | {part['clips']} | {' | '.join(cells)} |"
        yield ""


def _estimate(part: Mapping[str, str], metric: str, second: tuple[str, str, float, int]) -> str:
    """A figure with its interval: in per cent, the second metric in its own unit."""
    scale, digits = (second[2], second[3]) if metric == second[0] else (100.0, 1)
    shown = [part[column(metric, end)] for end in ("value", "low", "high")]
    if not all(shown):
        return "-"
    value, low, high = (f"{scale * float(text):.{digits}f}" for text in shown)
    return f"{value} ({low} to {high})"


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
