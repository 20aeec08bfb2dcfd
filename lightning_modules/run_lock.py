"""One `fit` at a time in a run folder; a killed one lets go of it, whatever it leaves behind."""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from search_spaces.errors import UserError
from search_spaces.file_lock import locks

LOCK = ".fit.lock"
PATIENCE_S = 60.0  # a `fit` whose parent was killed ends its step first
_PAUSE_S = 0.2


@contextmanager
def sole_fit(folder: Path) -> Iterator[None]:
    """Hold the run folder until the block ends; one that was made for that goes if it stays empty.

    A lock of POSIX, which belongs to the process alone: the workers that it has forked live on for
    some seconds when it is killed.

    Raises:
        UserError: another `fit` is at work there, and does not end soon.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock, until = folder / LOCK, time.monotonic() + PATIENCE_S
    stream = _try(lock)
    if stream is None:
        print(f"waiting for another fit in {folder} to end", file=sys.stderr, flush=True)
    while stream is None:
        if time.monotonic() > until:
            raise UserError(
                f"trainer.default_root_dir: another fit is at work in {folder}; wait for it, or"
                " name another folder"
            )
        time.sleep(_PAUSE_S)
        stream = _try(lock)
    with stream:
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
            if is_new:
                with suppress(OSError):  # it holds something, as it should
                    folder.rmdir()


def _try(lock: Path) -> IO[str] | None:
    """The lock file, held while it is open; None if another process holds it, or has removed it."""
    stream = lock.open("w")
    try:
        if locks(stream, lock, fcntl.lockf):
            return stream
    except PermissionError:  # POSIX may say so of a lock that another holds
        pass
    except OSError:  # a file system that knows no locks
        return stream
    stream.close()
    return None
