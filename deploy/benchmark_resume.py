"""What a killed `deploy benchmark` has measured, so that the same command goes on from there.

A command that came to its end measures all anew when it is given again: that is what it is for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy.measurement import read_measurement
from search_spaces.errors import UserError
from search_spaces.files import read_json, sha256_file, write_json

_SCHEMA = {
    "type": "object",
    "required": ["settings", "written"],
    "properties": {
        "written": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


class Begun:
    """The measurements of a command that has not come to its end; a hidden file keeps their names.

    Args:
        folder: of the measurements.
        settings: what must be the same for those of an earlier command to count: models, machine,
            versions, options.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._path = folder / ".benchmark.part.json"
        self._settings = settings
        self._sha256_of: dict[str, str] = {}
        try:
            before = read_json(self._path, _SCHEMA)
        except UserError:  # there is none, or it is damaged: all is to be measured
            return
        if before["settings"] == settings:
            self._sha256_of = before["written"]

    def measured(self, path: Path) -> dict[str, Any] | None:
        """The measurement that the killed command wrote, if it is there unchanged."""
        expected = self._sha256_of.get(path.name)
        if expected is None or not path.is_file() or sha256_file(path) != expected:
            return None
        return read_measurement(path)

    def add(self, path: Path) -> None:
        """Remember that a measurement was written."""
        self._sha256_of[path.name] = sha256_file(path)
        write_json(self._path, {"settings": self._settings, "written": self._sha256_of})

    def end(self) -> None:
        """Forget all: the command has come to its end."""
        self._path.unlink(missing_ok=True)
