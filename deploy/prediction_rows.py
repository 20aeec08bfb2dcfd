"""Rows of `deploy predict` as CSV or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Protocol, TextIO

from lightning_modules.csv_rows import TableWriter

FORMATS = ("csv", "json")


@dataclass(frozen=True)
class Row:
    """One window's decision; the field names are the columns of the CSV."""

    file: str
    start_s: float
    end_s: float
    count: int
    level: int
    level_name: str
    probability: float  # of the level


@dataclass(frozen=True)
class ClassRow:
    """What a window, or a whole file, is said to be."""

    file: str
    start_s: float
    end_s: float
    label: str  # where there may be several: all that are heard, separated by ;
    probability: float  # of exactly this; where there may be several, of the least sure class


@dataclass(frozen=True)
class EmbeddingRow:
    """The embedding of a window, or the average of a whole file."""

    file: str
    start_s: float
    end_s: float
    embedding: list[float]


AnyRow = Row | ClassRow | EmbeddingRow
COLUMNS = tuple(field.name for field in fields(Row))


class RowWriter(Protocol):
    """Writes rows to a text stream; they are flushed, so that a kill loses none written."""

    def write(self, rows: Iterable[AnyRow]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write what the format wants after the last row; the stream stays open."""


class CsvWriter:
    """A header, unless the stream has ``begun``, then one line per row."""

    def __init__(self, stream: TextIO, row_type: type[AnyRow] = Row, begun: bool = False) -> None:
        self._stream = stream
        self._writer = TableWriter(stream)
        if not begun:
            self._writer.write(field.name for field in fields(row_type))
            stream.flush()

    def write(self, rows: Iterable[AnyRow]) -> None:
        """Write rows."""
        for row in rows:
            texts = {"start_s": f"{row.start_s:.3f}", "end_s": f"{row.end_s:.3f}"}
            if isinstance(row, EmbeddingRow):
                texts["embedding"] = json.dumps(row.embedding)
            else:
                texts["probability"] = f"{row.probability:.4f}"
            self._writer.write((asdict(row) | texts).values())
        self._stream.flush()

    def close(self) -> None:
        """A CSV needs nothing after its last row."""


class JsonWriter:
    """One JSON array with one object per line; a killed run lacks only the closing bracket."""

    def __init__(self, stream: TextIO, begun: bool = False) -> None:
        self._stream = stream
        self._separator = ",\n" if begun else "[\n"

    def write(self, rows: Iterable[AnyRow]) -> None:
        """Write rows."""
        for row in rows:
            rounded = asdict(row) | {
                "start_s": round(row.start_s, 3),
                "end_s": round(row.end_s, 3),
            }
            if not isinstance(row, EmbeddingRow):
                rounded["probability"] = round(row.probability, 4)
            self._stream.write(self._separator + json.dumps(rounded))
            self._separator = ",\n"
        self._stream.flush()

    def close(self) -> None:
        """Close the array."""
        self._stream.write("[]\n" if self._separator == "[\n" else "\n]\n")
        self._stream.flush()


def row_writer(
    name: str, stream: TextIO, row_type: type[AnyRow] = Row, begun: bool = False
) -> RowWriter:
    """The writer of one of `FORMATS` for rows of one type; ``begun``: the stream holds some."""
    return JsonWriter(stream, begun) if name == "json" else CsvWriter(stream, row_type, begun)
