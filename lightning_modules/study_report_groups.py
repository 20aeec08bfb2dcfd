"""Where the best nets of a study err: by count, SNR, RT60 and sex, or by class and speaker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lightning_modules.study_groups import GROUP_METRICS, column
from lightning_modules.study_summary import Line, Summary
from lightning_modules.study_table import GROUPS, read_lines
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
    if not table:
        return
    groups = read_lines(out / GROUPS)
    second, _, scale, digits = task.second
    units = {**dict.fromkeys(GROUP_METRICS[task.kind], (100.0, 1)), second: (scale, digits)}
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
            for name in GROUP_METRICS[task.kind]
            if any(part[column(name, "value")] for part in parts)
        ]
        yield f"## Where the best net errs: {condition}\n"
        what = f"{best['variant']}, {best['net']}, budget {best['budget']}"
        yield f"{what} (`{best['row']}`), {_PRECISION}.\n"
        yield f"| | | clips | {' | '.join(name.replace('_', ' ') for name in metrics)} |"
        yield "|---|---|---|" + "---|" * len(metrics)
        for part in parts:
            by = _TITLES.get(part["by"], part["by"])
            figures = Summary({}, (part,))
            cells = (figures.text(column(name, "value"), *units[name]) for name in metrics)
            yield f"| {by} | {part['group']} | {part['clips']} | {' | '.join(cells)} |"
        yield ""
