"""Hidden files that grow beside those that they will replace, and the end of what a kill has left.

Who writes one holds a lock on it, which a killed process lets go of.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from search_spaces.file_lock import locks

_NAME = re.compile(r"\..+\.part-[a-z0-9_]{8}(\..+)?", re.DOTALL)  # of `tempfile.mkstemp`
_looked_at: set[Path] = set()


def open_part(path: Path) -> tuple[Path, IO[bytes]]:
    """An empty file beside ``path``, of its suffix; it is locked until the stream is closed.

    What killed processes have left in that folder is removed when the first one is opened there.

    Raises:
        OSError: the folder cannot be written.
    """
    _remove_left_behind(path.parent)
    while True:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.part-", suffix=path.suffix, dir=path.parent
        )
        stream = os.fdopen(handle, "wb")
        try:
            if locks(stream, Path(name), fcntl.flock):
                return Path(name), stream
        except OSError:  # a file system without locks, where nothing is removed either
            return Path(name), stream
        stream.close()  # another process has taken it for left behind


def _remove_left_behind(folder: Path) -> None:
    """Once per process: a folder of the cache may hold 100,000 files."""
    if folder in _looked_at:
        return
    _looked_at.add(folder)
    with os.scandir(folder) as entries:
        found = [Path(entry.path) for entry in entries if _NAME.fullmatch(entry.name)]
    for part in found:
        with suppress(OSError), part.open("r+b") as stream:
            if locks(stream, part, fcntl.flock):
                part.unlink()
