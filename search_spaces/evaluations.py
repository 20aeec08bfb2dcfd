"""`evaluations.jsonl`: every subnet that a search has judged, so that a killed search continues.

One line per subnet, appended and flushed as soon as it is judged. Lines carry a key made of the
inputs (checkpoint, clips, settings); lines of other inputs are left alone and not used.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from search_spaces.budget import Indices
from search_spaces.errors import full_disk_named
from search_spaces.files import whole_lines
from search_spaces.json_values import is_number

JUDGEMENT_VERSION = 4  # rises when a judgement comes to mean another thing


def inputs_key(inputs: dict[str, Any]) -> str:
    """A short hash of all that a judgement depends on besides the architecture."""
    text = json.dumps([JUDGEMENT_VERSION, inputs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Evaluations:
    """Ranking error by architecture, kept in an append-only file.

    Args:
        path: the file; made if missing. A last line that a kill cut short is dropped.
        key: see `inputs_key`.

    Raises:
        OSError: the file cannot be opened for appending.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._key, self._path = key, path
        self._errors: dict[Indices, float] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for record in map(_parse, whole_lines(path)):
            if record is not None and record["key"] == key:
                self._errors[tuple(record["indices"])] = record["ranking_error"]
        self._stream = path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with full_disk_named(self._path):  # what could not be written is tried once more
            self._stream.close()

    def __contains__(self, indices: Indices) -> bool:
        return indices in self._errors

    def __getitem__(self, indices: Indices) -> float:
        return self._errors[indices]

    def __len__(self) -> int:
        return len(self._errors)

    def add(self, indices: Indices, ranking_error: float) -> None:
        """Keep one judgement, on disk before it returns.

        Raises:
            OSError: it cannot be written; of a full disk it names the file.
        """
        record = {"key": self._key, "indices": indices, "ranking_error": ranking_error}
        with full_disk_named(self._path):
            self._stream.write(json.dumps(record).encode() + b"\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
        self._errors[indices] = ranking_error


def _parse(line: bytes) -> dict[str, Any] | None:
    """The record in a line, None for a line that is cut short, damaged or not ours."""
    try:
        record = json.loads(line)
        indices, error = record["indices"], record["ranking_error"]
        whole = isinstance(indices, list) and all(type(index) is int for index in indices)
        judged = is_number(error) and error >= 0
        return record if whole and judged and "key" in record else None
    except (ValueError, KeyError, TypeError):
        return None
