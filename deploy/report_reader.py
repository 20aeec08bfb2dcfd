"""Reads the files of a run folder and remembers which are missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from search_spaces.errors import UserError, describe_os_error, one_line

T = TypeVar("T")


@dataclass(frozen=True)
class Missing:
    """A file that is not there or cannot be used, and the command that makes it."""

    path: str  # relative to the run
    reason: str
    command: str


class RunReader:
    """Reads files of a run and collects what is missing, by part."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.missing: dict[str, list[Missing]] = {}

    def one(self, part: str, name: str, read: Callable[[Path], T], command: str) -> T | None:
        """One file or folder, None where it is missing or damaged."""
        path = self.run / name
        try:
            if not path.exists():
                raise UserError("not there")
            return read(path)
        except (UserError, OSError) as error:
            text = describe_os_error(error) if isinstance(error, OSError) else str(error)
            reason = one_line(text).removeprefix(f"{path}: ")
            self.missing.setdefault(part, []).append(Missing(name, reason, command))
            return None

    def every(self, part: str, pattern: str, read: Callable[[Path], T], command: str) -> list[T]:
        """All files or folders that match, those that can be read; hidden ones are half-written."""
        found = (path for path in self.run.glob(pattern) if not path.name.startswith("."))
        names = sorted(str(path.relative_to(self.run)) for path in found)
        values = [self.one(part, name, read, command) for name in names or [pattern]]
        return [value for value in values if value is not None]
