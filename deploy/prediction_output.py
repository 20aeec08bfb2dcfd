"""Where the rows of `deploy predict` go: a file that appears whole and resumes, or a stream."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

from deploy.prediction_rows import AnyRow, Row, row_writer
from search_spaces.errors import UserError
from search_spaces.file_lock import take_lock
from search_spaces.files import (
    check_writable,
    led_to,
    read_json,
    refuse_input,
    sha256_text,
    write_json,
)

JOURNAL_EVERY_S = 1.0
_JOURNAL = {
    "type": "object",
    "required": ["done", "digest", "bytes", "problems"],
    "properties": {
        "done": {"type": "integer", "minimum": 0},
        "bytes": {"type": "integer", "minimum": 0},
        "problems": {"type": "array", "items": {"type": "string"}},
    },
}


class Output(Protocol):
    """Takes the rows of one recording after the other.

    Attributes:
        remaining: recordings that no earlier, killed run has finished.
        problems: one line for each recording that could not be read, in order.
        watched: whether the rows scroll by on a terminal.
    """

    remaining: list[Path]
    problems: list[str]
    watched: bool

    def write(self, rows: Sequence[AnyRow]) -> None:
        """Write rows of the recording at hand; they are out when this returns."""

    def finish(self, recording: Path, problem: str | None) -> None:
        """No more rows of this recording; ``problem`` says what was wrong with it."""


class StreamOutput:
    """Rows to a stream, e.g. standard output; nothing is remembered.

    Args:
        stream: for text.
        form: one of `deploy.prediction_rows.FORMATS`.
        recordings: whose rows will come.
        row_type: of the rows.
    """

    def __init__(
        self, stream: TextIO, form: str, recordings: Sequence[Path], row_type: type[AnyRow] = Row
    ) -> None:
        self.remaining = list(recordings)
        self.problems: list[str] = []
        self.watched = stream.isatty()
        self._writer = row_writer(form, stream, row_type)

    def write(self, rows: Sequence[AnyRow]) -> None:
        """Write rows."""
        self._writer.write(rows)

    def finish(self, recording: Path, problem: str | None) -> None:
        """Keep the problem."""
        self.problems += [problem] if problem is not None else []

    def close(self) -> None:
        """Write what the format wants at the end."""
        self._writer.close()


class FileOutput:
    """Rows to ``<path>.part``, which is renamed to ``path`` when it is complete.

    Beside it lies ``<path>.part.json``: how many recordings are done and where their rows end, so
    that the same command, started again, goes on with the recording at which it was killed.

    Args:
        path: the file wanted.
        form: one of `deploy.prediction_rows.FORMATS`.
        recordings: whose rows will come.
        settings: what the rows depend on besides, as plain values.
        row_type: of the rows.

    Raises:
        UserError: another process is writing the same file.
        OSError: the folder or the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        form: str,
        recordings: Sequence[Path],
        settings: dict[str, Any],
        row_type: type[AnyRow] = Row,
    ) -> None:
        self.watched = False
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._journal = path.with_name(f"{path.name}.part.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self._part.open("a", encoding="utf-8", errors="surrogateescape", newline="")
        try:
            take_lock(
                self._stream,
                self._part,
                f"{path}: another process is writing it; wait for that or choose another --output",
            )
        except UserError:
            self._stream.close()
            raise
        self._begin = sha256_text(json.dumps({**settings, "format": form}, sort_keys=True))
        note = self._usable_note(recordings)
        self._done: int = note["done"]
        self._digest: str = note["digest"]
        self.problems: list[str] = note["problems"]
        self.remaining = list(recordings[self._done :])
        os.ftruncate(self._stream.fileno(), note["bytes"])
        self._writer = row_writer(form, self._stream, row_type, begun=note["bytes"] > 0)
        self._noted_s = time.monotonic()

    def write(self, rows: Sequence[AnyRow]) -> None:
        """Write rows."""
        self._writer.write(rows)

    def finish(self, recording: Path, problem: str | None) -> None:
        """Note that the recording is done; at most once a second, for there may be thousands."""
        self.problems += [problem] if problem is not None else []
        self._done += 1
        self._digest = _chained(self._digest, recording)
        if time.monotonic() - self._noted_s < JOURNAL_EVERY_S:
            return
        os.fsync(self._stream.fileno())
        write_json(
            self._journal,
            {
                "done": self._done,
                "digest": self._digest,
                "bytes": os.fstat(self._stream.fileno()).st_size,
                "problems": self.problems,
            },
        )
        self._noted_s = time.monotonic()

    def close(self, complete: bool) -> None:
        """Give the file its name if it is complete; else leave what a later run goes on from."""
        if complete:
            self._writer.close()
            os.fsync(self._stream.fileno())
            self._part.replace(self._path)
            self._journal.unlink(missing_ok=True)
        self._stream.close()

    def _usable_note(self, recordings: Sequence[Path]) -> dict[str, Any]:
        """The journal if it belongs to these settings and recordings, else one of nothing done."""
        try:
            note = read_json(self._journal, _JOURNAL)
            digest = self._begin
            for recording in recordings[: note["done"]]:
                digest = _chained(digest, recording)
            whole = note["bytes"] <= os.fstat(self._stream.fileno()).st_size
            if whole and note["done"] <= len(recordings) and digest == note["digest"]:
                return note
        except (OSError, UserError):
            pass  # no journal, or not one of ours: everything is to be done
        return {"done": 0, "digest": self._begin, "bytes": 0, "problems": []}


@contextmanager
def open_output(
    path: Path | None,
    form: str,
    recordings: Sequence[Path],
    settings: dict[str, Any],
    row_type: type[AnyRow] = Row,
) -> Iterator[Output]:
    """The output for a path; for None standard output, and for a device or pipe a plain stream.

    It is in UTF-8 everywhere; file names that are not pass through as they are.
    """
    if path is not None and not _is_device(path):
        path = led_to(path)  # a link stays one
        file, complete = FileOutput(path, form, recordings, settings, row_type), False
        try:
            yield file
            complete = True
        finally:
            file.close(complete)
        return
    if path is not None:
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            yield from _stream_output(stream, form, recordings, row_type)
        return
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    yield from _stream_output(sys.stdout, form, recordings, row_type)


def check_output(path: Path | None, recordings: Sequence[Path]) -> None:
    """Refuse what cannot be written, and to write over a recording, as a forgotten name would.

    Raises:
        UserError: the output is a folder or lies where none can be made, or is a recording.
    """
    if path is not None:
        refuse_input(path, recordings, "recordings", "--output")
        if not _is_device(path):
            check_writable(led_to(path), "--output")


def _is_device(path: Path) -> bool:
    """Whether a path leads to a device or pipe, which /dev/stdout does even where it is a file."""
    special = path.exists() and not path.is_file() and not path.is_dir()
    return special or path.absolute().parts[1:2] in (("dev",), ("proc",))


def _stream_output(
    stream: TextIO, form: str, recordings: Sequence[Path], row_type: type[AnyRow]
) -> Iterator[Output]:
    output = StreamOutput(stream, form, recordings, row_type)
    try:
        yield output
    finally:
        output.close()


def _chained(digest: str, recording: Path) -> str:
    """A digest of all recordings so far and of this one as it now is; one may be missing."""
    try:
        state = recording.stat()
        known = f"{state.st_size} {state.st_mtime_ns}"
    except OSError:
        known = "missing"
    return sha256_text(f"{digest}\0{recording}\0{known}")
