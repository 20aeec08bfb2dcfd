"""From the rows of `study.csv` to what a table and a plot say: means and ranges over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Line = dict[str, str]
KEY = (
    *("comparison", "variant", "net", "chosen_by", "size_mmacs", "budget", "labelled_clips"),
    "protocol",
)


@dataclass(frozen=True)
class Summary:
    """Rows that differ in their seed alone.

    Attributes:
        key: what they have in common, by column of `KEY`.
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
        """Smallest and largest over the seeds; of one seed its 95 % interval."""
        values = self.values(column)
        if len(values) > 1:
            return min(values), max(values)
        ends = self.values(f"{column}_low"), self.values(f"{column}_high")
        return (ends[0][0], ends[1][0]) if ends[0] and ends[1] else None


def summarise(table: Sequence[Line]) -> list[Summary]:
    """The rows by all but their seed, in the order of the table."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in table:
        groups.setdefault(tuple(line[name] for name in KEY), []).append(line)
    return [
        Summary(dict(zip(KEY, key, strict=True)), tuple(lines)) for key, lines in groups.items()
    ]
