"""Reads offline runs of Weights & Biases back from the disk.

A run's file is a log of W&B's protocol buffers in LevelDB's format: blocks of 32 KiB, records cut
where a block ends, each piece with its CRC (leveldb, doc/log_format.md).
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search_spaces.errors import UserError

_BLOCK_BYTES = 32768
_HEADER = struct.Struct("<IHB")  # CRC, length, kind of the piece
_MAGIC = b":W&B"
_FILE_HEADER_BYTES = 7
_FULL, _FIRST, _LAST = 1, 2, 4


@dataclass(frozen=True)
class LoggedArtifact:
    """An artifact that a run wrote, or read (``used``); ``files`` by name: where they lie."""

    name: str
    kind: str
    digest: str
    used: bool
    metadata: dict[str, Any]
    files: dict[str, Path]


@dataclass
class OfflineRun:
    """What a run's folder holds.

    Attributes:
        folder: ``offline-run-…``.
        started_ns: Unix time of its start; 0 when the run was killed before it wrote it.
        run: name, group, job type, project and host as W&B shows them; empty as ``started_ns``.
        config: by key.
        history: logged rows, in order.
        summary: last value by key.
        artifacts: without the tables that W&B makes artifacts of by itself.
    """

    folder: Path
    started_ns: int = 0
    run: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: list[LoggedArtifact] = field(default_factory=list)

    def table(self, key: str) -> list[dict[str, Any]]:
        """Rows of the table that was last logged as ``key``."""
        path = self.folder / "files" / self.summary[key]["path"]
        content = json.loads(path.read_text(encoding="utf-8"))
        return [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]


def read_runs(folder: Path) -> list[OfflineRun]:
    """Every offline run below ``folder``, oldest first.

    One that was killed before it said what it is, is passed over with a line on stderr.

    Raises:
        UserError: there is none, or a file that is not W&B's.
    """
    runs = []
    for path in folder.glob("**/offline-run-*/run-*.wandb"):
        run = read_run(path)
        if run.run:
            runs.append(run)
        else:
            print(f"{path}: ends before it says what run it is; passed over", file=sys.stderr)
    if not runs:
        raise UserError(f"{folder}: holds no offline run; log one with --wandb")
    # folders' names tell the second alone, and several runs may begin in one
    return sorted(runs, key=lambda run: (run.started_ns, run.folder))


def read_run(path: Path) -> OfflineRun:
    """One run by its ``run-….wandb``; what a killed run did not finish writing is left out.

    Raises:
        UserError: not such a file.
    """
    from wandb.proto import wandb_internal_pb2

    messages: Any = wandb_internal_pb2
    result = OfflineRun(path.parent)
    for content in records(path):
        record = messages.Record()
        record.ParseFromString(content)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            shown = ("display_name", "run_group", "job_type", "project", "host")
            result.started_ns = record.run.start_time.ToNanoseconds()
            result.run = {name: getattr(record.run, name) for name in shown}
            _update(result.config, record.run.config.update)
        elif kind == "config":
            _update(result.config, record.config.update)
        elif kind == "summary":
            _update(result.summary, record.summary.update)
        elif kind == "history":
            row: dict[str, Any] = {}
            _update(row, record.history.item)
            result.history.append(row)
        elif kind == "artifact" and record.artifact.type != "run_table":
            result.artifacts.append(_artifact(record.artifact))
    return result


def records(path: Path) -> Iterator[bytes]:
    """The records of a log file, in order.

    Raises:
        UserError: not such a file.
    """
    data = path.read_bytes()
    if not data.startswith(_MAGIC[: len(data)]):  # a run killed at once wrote only a part of it
        raise UserError(f"{path}: not a run of W&B (does not begin with {_MAGIC.decode()})")
    position, record = _FILE_HEADER_BYTES, b""
    while position + _HEADER.size <= len(data):
        left = _BLOCK_BYTES - position % _BLOCK_BYTES
        if left < _HEADER.size:
            position += left
            continue
        crc, length, kind = _HEADER.unpack_from(data, position)
        piece = data[position + _HEADER.size :][:length]
        if len(piece) < length or zlib.crc32(bytes([kind]) + piece) != crc:
            return  # cut off
        position += _HEADER.size + length
        record = piece if kind in (_FULL, _FIRST) else record + piece
        if kind in (_FULL, _LAST):
            yield record


def _update(values: dict[str, Any], items: Iterable[Any]) -> None:
    for item in items:
        *parents, name = item.nested_key or [item.key]
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = json.loads(item.value_json)


def _artifact(record: Any) -> LoggedArtifact:
    return LoggedArtifact(
        name=record.name,
        kind=record.type,
        digest=record.digest,
        used=record.use_after_commit,
        metadata=json.loads(record.metadata or "{}"),
        files={entry.path: Path(entry.local_path) for entry in record.manifest.contents},
    )
