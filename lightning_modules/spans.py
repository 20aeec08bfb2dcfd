"""Labels of one's own recordings: a CSV of spans, each with a count, a level or an interval.

The columns are described in docs/data.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lightning_modules.csv_rows import read_count, read_rows
from lightning_modules.seconds import read_seconds
from search_spaces.ambiance import AmbianceLevels
from search_spaces.clip import MAX_COUNT
from search_spaces.errors import UserError

Use = Literal["train", "validation"]
USES: tuple[Use, ...] = get_args(Use)
_KNOWN = ("path", "start_s", "end_s", "use", "count", "level", "lo", "hi")
COLUMNS = "path[,start_s,end_s][,use] and count, level or lo,hi"

_Cells = dict[str, str]


@dataclass(frozen=True)
class Span:
    """A stretch of a recording, with what is known of any 5 s in it.

    Attributes:
        where: file and line of the CSV, for messages.
        name: the recording as the CSV names it.
        path: the recording, whose relative paths begin at the CSV's folder.
        start_s: where it begins in the recording.
        end_s: where it ends; infinite for the recording's end.
        label: the count is at least the first and at most the second; None if it is not labelled.
        use: for training or for validation, as the CSV says; None if it does not say.
    """

    where: str
    name: str
    path: Path
    start_s: float
    end_s: float
    label: tuple[int, int] | None
    use: Use | None


def read_spans(table: Path) -> list[Span]:
    """Read the CSV.

    Raises:
        UserError: missing, no CSV, without a span, or a bad row, named by file and line.
    """
    try:
        spans = [
            _span(
                table,
                f"{table} line {line}",
                {key: (cell or "").strip() for key, cell in row.items()},
            )
            for line, row in read_rows(table, lambda found: _check_columns(found, table), _KNOWN)
        ]
    except FileNotFoundError:
        raise UserError(f"{table}: no such file, expected a CSV with {COLUMNS}") from None
    except IsADirectoryError:
        raise UserError(f"{table}: is a folder, expected a CSV with {COLUMNS}") from None
    if not any(span.label for span in spans):
        raise UserError(f"{table}: labels nothing, expected at least one row with a label")
    return spans


def _check_columns(found: Sequence[str], table: Path) -> None:
    if "path" not in found or not {"count", "level", "lo"} & {*found}:
        raise UserError(f"{table}: columns {','.join(found)}; expected {COLUMNS}")


def _span(table: Path, where: str, row: _Cells) -> Span:
    name = row["path"]
    path = table.parent / name
    if not path.is_file():
        raise UserError(
            f"{where}: path: no such file {path}; relative paths begin at the CSV's folder"
        )
    use = row.get("use", "")
    if use not in ("", *USES):
        raise UserError(f"{where}: use: {use!r}, expected {' or '.join(USES)}, or nothing")
    start_s = _seconds(row, "start_s", 0.0, where)
    end_s = _seconds(row, "end_s", math.inf, where)
    if end_s <= start_s:
        raise UserError(f"{where}: end_s {end_s:g} is not after start_s {start_s:g}; mend one")
    known: Use | None = next((one for one in USES if one == use), None)
    label = _label(row, where)
    if label is None and known == "validation":
        raise UserError(f"{where}: use: validation, which needs a label; give one")
    return Span(where, name, path, start_s, end_s, label, known)


def _label(row: _Cells, where: str) -> tuple[int, int] | None:
    cells = {key: row.get(key, "") for key in ("count", "level", "lo", "hi")}
    kinds = [kind for kind in ("count", "level") if cells[kind]]
    kinds += ["lo,hi"] if cells["lo"] or cells["hi"] else []
    if not kinds:
        return None
    if len(kinds) > 1:
        raise UserError(f"{where}: has {' and '.join(kinds)}; give only one of them")
    if kinds == ["level"]:
        return _counts_of(cells["level"], where)
    if kinds == ["count"]:
        count = read_count(cells["count"], f"{where}: count:")
        return count, count
    lo, hi = (read_count(cells[end], f"{where}: {end}:") for end in ("lo", "hi"))
    if lo > hi:
        raise UserError(f"{where}: lo {lo} is above hi {hi}; mend one")
    return lo, hi


def _counts_of(level: str, where: str) -> tuple[int, int]:
    """The counts of a level, the first and the last one; it is its name, or its number."""
    levels = AmbianceLevels()
    numbers = [str(at) for at in range(len(levels))]  # as `predict` writes them
    if level not in (*levels.names, *numbers):
        raise UserError(
            f"{where}: level: {level!r}, expected one of {', '.join(levels.names)}, or its number"
            f" from {numbers[0]} to {numbers[-1]}"
        )
    bounds = (0, *levels.edges, MAX_COUNT + 1)
    at = (numbers if level in numbers else levels.names).index(level)
    return bounds[at], bounds[at + 1] - 1


def _seconds(row: _Cells, column: str, empty: float, where: str) -> float:
    text = row.get(column, "")
    if not text:
        return empty
    return read_seconds(text, f"{where}: {column}:", "seconds from 0 on, or nothing")
