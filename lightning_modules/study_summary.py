"""From the rows of `study.csv` to what a table and a plot say: means and ranges over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lightning_modules.study_task import StudyTask

Line = dict[str, str]
KEY = ("comparison", "variant", "net", "chosen_by", "size_mmacs", "budget")


@dataclass(frozen=True)
class Summary:
    """Rows that differ in their seed alone; of classes also in who is held out.

    Attributes:
        key: what they have in common, by column of `KEY` and `StudyTask.summary_key`.
        lines: the rows.
    """

    key: Line
    lines: tuple[Line, ...]

    def values(self, column: str) -> list[float]:
        """A column's figures, of the seeds that have one."""
        return [float(line[column]) for line in self.lines if line.get(column)]

    def mean(self, column: str) -> float | None:
        """Their mean, None without any."""
        values = self.values(column)
        return sum(values) / len(values) if values else None

    def range(self, column: str) -> tuple[float, float] | None:
        """Smallest and largest over the rows; of one row its 95 % interval."""
        values = self.values(column)
        if len(values) > 1:
            return min(values), max(values)
        ends = self.values(f"{column}_low"), self.values(f"{column}_high")
        return (ends[0][0], ends[1][0]) if ends[0] and ends[1] else None

    def text(self, column: str, scale: float, digits: int) -> str:
        """Mean and range of a column in a table, times ``scale``; a dash without any figure."""
        mean, ends = self.mean(column), self.range(column)
        if mean is None:
            return "-"
        shown = f"{scale * mean:.{digits}f}"
        if ends is None:
            return shown
        return f"{shown} ({scale * ends[0]:.{digits}f} to {scale * ends[1]:.{digits}f})"


def summarise(task: StudyTask, table: Sequence[Line]) -> list[Summary]:
    """The rows by what a summary keeps, in the order of the table."""
    names = (*KEY, *task.summary_key)
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in table:
        groups.setdefault(tuple(line[name] for name in names), []).append(line)
    return [
        Summary(dict(zip(names, key, strict=True)), tuple(lines)) for key, lines in groups.items()
    ]
