"""Write what torch saves so that a full disk is told as one and leaves nothing half-written."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from search_spaces.files import atomic_path

# What `torch.load` raises over a file that it did not write, or only the beginning of one.
NOT_TORCH = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, EOFError, KeyError, OSError),
    *(RuntimeError, ValueError, AssertionError, AttributeError, IndexError, TypeError),
)


def write_torch(path: Path, value: Any) -> str:
    """Write ``value`` with `torch.save`, atomically.

    Returns:
        Hex SHA-256 of the file.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    # By way of memory: writing to a full disk, torch itself raises a RuntimeError without a reason.
    buffer = io.BytesIO()
    torch.save(value, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())
    return hashlib.sha256(buffer.getbuffer()).hexdigest()
