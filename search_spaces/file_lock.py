"""Locks that keep two processes from writing the same files; a killed one lets go of its own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from search_spaces.errors import UserError


@contextmanager
def held(lock: Path, refusal: str) -> Iterator[None]:
    """Hold a lock file, which is made and in the end removed, until the block ends.

    Raises:
        UserError: another process holds it; the message is ``refusal``.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as stream:
        take_lock(stream, lock, refusal)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def take_lock(stream: IO[str], path: Path, refusal: str) -> None:
    """Lock an open file until it is closed.

    Raises:
        UserError: another process holds it, or has renamed or removed it since it was opened, so
            that what ``stream`` writes would go into another file than ``path``.
    """
    if not locks(stream, path, fcntl.flock):
        raise UserError(refusal)


def locks(stream: IO[Any], path: Path, lock: Callable[[IO[Any], int], None]) -> bool:
    """Whether an open file could be locked until it is closed, and is still the one at ``path``.

    Args:
        stream: the file.
        path: where it was opened.
        lock: `fcntl.flock`, which forked processes hold as well, or `fcntl.lockf`, which belongs to
            this process alone.
    """
    try:
        lock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
