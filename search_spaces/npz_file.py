"""NumPy archives with a schema_version, as the kit's parts hand them on; refused in one line."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from search_spaces.errors import UserError

T = TypeVar("T")

# What zipfile and NumPy raise on a byte that is wrong, by where it lies: RuntimeError (of which
# NotImplementedError is one) on flags of the zip directory, others on the head of an array.
_DAMAGED = (
    *(ValueError, KeyError, EOFError, RuntimeError, TypeError, IndexError, AttributeError),
    *(OverflowError, MemoryError, SyntaxError, tokenize.TokenError),
    *(zipfile.BadZipFile, zlib.error),
)


def read_npz(path: Path, kind: str, version: int, mend: str, parse: Callable[[Any], T]) -> T:
    """Read an archive and make of it what ``parse`` does.

    Args:
        path: the file.
        kind: what it is called, e.g. ``clips.npz``.
        version: the only ``schema_version`` allowed.
        mend: what to do about a file that does not fit.
        parse: from the archive, a mapping of arrays that are read when they are asked for; it may
            raise ValueError or KeyError.

    Raises:
        UserError: missing, not such a file, of another version, or refused by ``parse``.
    """
    path = Path(path)
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise UserError(f"{path}: a single array, expected a {kind}; {mend}")
        with archive:
            found = int(archive["schema_version"])
            if found != version:
                raise UserError(
                    f"{path}: field schema_version: got {found}, expected {version}; {mend}"
                )
            return parse(archive)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {mend}") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, expected a {kind}") from None
    except OSError as error:
        if error.filename is not None:  # a refusal of the system; `run_command` says it
            raise
        reason = error.strerror or error
        raise UserError(f"{path}: not a readable {kind} ({reason}); {mend}") from None
    except _DAMAGED as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise UserError(f"{path}: not a readable {kind} ({reason}); {mend}") from None
