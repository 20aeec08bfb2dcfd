"""Tables that somebody made, whatever their columns: CSVs with a first line of names, in UTF-8."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from search_spaces.clip import MAX_COUNT
from search_spaces.errors import UserError

# Of a column's name, such as start_ms or speaker_id.
_ENDING = re.compile(r"([ _-]s|[ _-]?(ms|msec|milliseconds|sec|secs|seconds|id))$")
# Of stretches, as DCASE's and other tables call them; and of splits, in the kit's own tables.
_OTHER_NAMES = {
    "split": "use",
    "use": "split",
    "onset": "start_s",
    "begin": "start_s",
    "starttime": "start_s",
    "begintime": "start_s",
    "offset": "end_s",
    "stop": "end_s",
    "endtime": "end_s",
}


class TableWriter:
    """Writes rows that `read_rows` reads, whatever the names of files in them.

    Python's own writer leaves a carriage return bare where it ends no line, and its reader then
    takes it for the end of one.

    Args:
        stream: open for writing with ``newline=""``.
    """

    def __init__(self, stream: TextIO) -> None:
        self._plain = csv.writer(stream, lineterminator="\n")
        self._quoting = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(self, row: Iterable[Any]) -> None:
        """Write one row."""
        cells = list(row)
        odd = any("\r" in str(cell) for cell in cells)
        (self._quoting if odd else self._plain).writerow(cells)


def read_rows(
    table: Path,
    check_columns: Callable[[Sequence[str]], None],
    known: Collection[str] = (),
    of_files: str | None = None,
) -> Iterator[tuple[int, dict[str, str | None]]]:
    """The rows that say something, each with its line; a table of Excel ends with empty ones.

    Args:
        table: the file.
        check_columns: refuses columns that do not fit, before any row.
        known: columns that are looked at. Others may be there, unless one is spelled nearly so.
        of_files: a column of paths from the table's folder. The name of a file need not be UTF-8,
            nor the rest of a row whose file is there by the very bytes of its path.

    Raises:
        UserError: no CSV in UTF-8, one without commas, a column twice or in another spelling, or
            a row with too many fields; named by the file, or file and line.
        OSError: it cannot be opened.
    """
    try:
        with table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            rows = csv.DictReader(stream, strict=True)  # a quote that never ends is refused
            columns = tuple(_in_utf8(name.strip()) for name in rows.fieldnames or ())
            rows.fieldnames = columns
            _check_header(columns, known, table)
            check_columns(columns)
            for row in rows:
                _check_fields(row, f"{table} line {rows.line_num}")
                if not _names_file(row, of_files, table):
                    for cell in row.values():
                        _in_utf8(cell or "")
                if any((cell or "").strip() for cell in row.values()):
                    yield rows.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{table}: not a CSV in UTF-8 ({error}); close its quotes, or export it anew"
        ) from None


def check_needed(columns: Sequence[str], needed: Sequence[str], expected: str, table: Path) -> None:
    """Refuse columns among which one is missing.

    Raises:
        UserError: naming it, and all that are ``expected``.
    """
    missing = [name for name in needed if name not in columns]
    if missing:
        raise UserError(
            f"{table}: no column {' and '.join(missing)} in its first line; expected {expected}"
        )


def read_count(text: str, what: str) -> int:
    """The number of people that a cell says.

    Raises:
        UserError: it says something else; ``what`` names file, line and column.
    """
    plain = text.strip().isdecimal() and len(text) < 10  # Python refuses thousands of digits
    count = int(text) if plain else -1
    if not 0 <= count <= MAX_COUNT:
        raise UserError(f"{what} {text[:20]!r}, expected a whole number from 0 to {MAX_COUNT}")
    return count


def _in_utf8(text: str) -> str:
    """The text, if the bytes that it was read from are UTF-8; else a UnicodeDecodeError."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8")


def _names_file(row: MutableMapping[Any, Any], column: str | None, table: Path) -> bool:
    name = (row.get(column) or "").strip() if column else ""
    return not name.isascii() and (table.parent / name).is_file()


def _check_header(columns: Sequence[str], known: Collection[str], table: Path) -> None:
    """Refuse columns that no comma separates, and one that would not be looked at.

    It is there twice, and the last one would win; or it is meant but not known.

    Raises:
        UserError: naming the sign or the column.
    """
    sign = next((sign for sign in ";\t|" if len(columns) == 1 and sign in columns[0]), None)
    if sign is not None:
        raise UserError(
            f"{table}: its columns are separated by {sign!r}; export it with commas between them"
        )
    meant = {_plain(name): name for name in known}
    meant |= {_plain(name.removesuffix("_s")): name for name in known}  # without its unit
    # Other names and units may say what they like where the column that is meant is there, too.
    absent = {_plain(name.removesuffix("_s")): name for name in known if name not in columns}
    absent |= {other: name for other, name in _OTHER_NAMES.items() if name in absent.values()}
    for name in columns:
        if name and columns.count(name) > 1:
            raise UserError(f"{table}: column {name} is in its first line twice; remove one")
        if name in known:
            continue
        wanted = meant.get(_plain(name)) or absent.get(_plain(_ENDING.sub("", name.casefold())))
        if wanted is not None:
            unit = ", in seconds" if wanted.endswith("_s") else ""
            raise UserError(
                f"{table}: column {name!r} in its first line would not be looked at; did you mean"
                f" {wanted}? rename it{unit}"
            )
        if {"start_s", "end_s"} & {*absent.values()} == {"end_s"} and name.startswith("duration"):
            raise UserError(
                f"{table}: column {name!r} in its first line would not be looked at, and each"
                " stretch would last to its recording's end; give end_s, start_s plus the duration"
            )


def _plain(column: str) -> str:
    return "".join(letter for letter in column.casefold() if letter.isalnum())


def _check_fields(row: MutableMapping[Any, Any], where: str) -> None:
    """Refuse a row of `csv.DictReader` that has too many fields; take empty ones off.

    Raises:
        UserError: naming what is too much.
    """
    surplus = row.pop(None, [])
    if any(_in_utf8(cell).strip() for cell in surplus):
        raise UserError(
            f"{where}: has more fields than the first line ({','.join(surplus)[:60]!r} is too"
            " much); quote a field that holds a comma, and write numbers with a point"
        )
