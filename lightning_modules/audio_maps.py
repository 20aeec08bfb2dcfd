"""Sound in many .npy files, mapped into memory: each map keeps its file open."""

from __future__ import annotations

import errno
import resource
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import UserError

_FEW = 64  # maps that fit beside all else under any usual limit, of which the lowest is 256
_TOO_MANY = (errno.EMFILE, errno.ENFILE)


def allow_files(number: int) -> None:
    """Before ``number`` maps: where these are many, let this process open what the system permits.

    A shell's limit is often 1024, while the machine's own is a thousand times that.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if number > _FEW and soft != hard:
        with suppress(ValueError, OSError):  # a system that refuses says so when files are opened
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def map_npy(path: Path, mend: str) -> NDArray[Any]:
    """What a .npy holds, memory-mapped.

    Args:
        path: of the file.
        mend: what to do where it is missing or damaged.

    Raises:
        UserError: it is; or it cannot be opened, which says nothing of the file.
    """
    try:
        return np.load(path, mmap_mode="r")
    except (FileNotFoundError, ValueError, EOFError):
        raise UserError(f"{path}: missing or damaged; {mend}") from None
    except OSError as error:
        raise UserError(f"{path}: {_refusal(error)}") from None


def _refusal(error: OSError) -> str:
    """Why the system opens no file, which is no fault of the file."""
    if error.errno not in _TOO_MANY:
        return f"cannot be opened ({error.strerror or error})"
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return (
        f"cannot be opened beside all others, for one process may open {limit} files; raise that"
        " limit (`ulimit -n`, or LimitNOFILE of a service) and start again"
    )
