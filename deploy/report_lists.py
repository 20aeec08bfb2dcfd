"""The lists that a run folder holds: commands, recordings and what they are used for."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

from lightning_modules.recordings import read_recordings
from lightning_modules.recordings_budget import COLUMNS
from lightning_modules.recordings_item import Item
from search_spaces.errors import UserError
from search_spaces.json_values import check_json, parse_json

_COMMAND = {
    "properties": {
        "argv": {"type": "array", "items": {"type": "string"}},
        "started": {"type": "string"},
        "seconds": {"type": "number"},
        "versions": {"type": "object", "additionalProperties": {"type": "string"}},
        "exit_code": {"type": ["integer", "null"]},
    }
}


class Used(NamedTuple):
    """A row of a `labels.csv` of recordings; an embedding's has no label."""

    label: str
    use: str
    speaker: str


def lists_recordings(path: Path) -> bool:
    """Whether a `labels.csv` is of recordings, as of classes and of an embedding."""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.readline().strip().split(",") == list(COLUMNS)
    except OSError:
        return False


def read_used(path: Path) -> list[Used]:
    """Every row of a `labels.csv` of recordings, without the recording's name.

    Raises:
        UserError: not a CSV, or a row with other fields than the first line has, by its number.
    """
    used = []
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            rows = csv.DictReader(stream)
            for row in rows:
                if None in row or None in row.values():
                    raise UserError(f"{path}: line {rows.line_num} has not {len(COLUMNS)} fields")
                used.append(Used(row["label"], row["use"], row["speaker"]))
    except csv.Error as error:
        raise UserError(f"{path}: not a CSV ({error})") from None
    return used


def read_test_recordings(path: Path) -> dict[str, Item]:
    """The recordings of the test by the names that an evaluation of this list gives them.

    Raises:
        UserError: one of them is gone.
    """
    return {item.name: item for item in read_recordings(path)}


def read_commands(path: Path) -> list[dict[str, Any]]:
    """Read `commands.jsonl`.

    Raises:
        UserError: a line that is no record of a command; the message has its number.
    """
    commands = []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not JSON lines in UTF-8 ({error})") from None
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            command = parse_json(line)
        except ValueError as error:
            raise UserError(f"{path}: line {number} is not JSON ({error})") from None
        if not isinstance(command, dict) or not command.keys() >= _COMMAND["properties"].keys():
            raise UserError(f"{path}: line {number} lacks one of {sorted(_COMMAND['properties'])}")
        check_json(Path(f"{path}: line {number}"), command, _COMMAND)
        commands.append(command)
    return commands
