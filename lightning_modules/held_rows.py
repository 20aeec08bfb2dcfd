"""Rows of one shape in a file larger than memory, read in any order.

A memory map would fetch all that the system reads ahead (128 kB, or 8 MB of some disks) for every
row that is asked for, and push out of memory as much as that.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import UserError, disk_full


class HeldRows:
    """A sparse file of N rows, shared by every process that opens it.

    Args:
        path: of the file; made, or lengthened, to hold N rows.
        rows: N.
        shape, dtype: of one row.
    """

    def __init__(
        self, path: Path, rows: int, shape: tuple[int, ...], dtype: type[np.generic]
    ) -> None:
        self.path, self._shape, self._dtype = path, shape, dtype
        self.row_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        lengthen(path, rows * self.row_bytes)
        self._file = path.open("r+b", buffering=0)
        if hasattr(os, "posix_fadvise"):  # macOS has none
            os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)

    def __getitem__(self, row: int) -> NDArray[Any]:
        """A copy of row ``row``.

        Raises:
            UserError: the file has become shorter.
        """
        kept = np.empty(self._shape, self._dtype)
        if os.preadv(self._file.fileno(), [kept.data], row * self.row_bytes) < self.row_bytes:
            raise UserError(f"{self.path}: cut short; delete its folder and start again")
        return kept

    def __setitem__(self, row: int, value: NDArray[Any]) -> None:
        """Write row ``row``.

        Raises:
            UserError: the disk is full.
        """
        left = memoryview(np.ascontiguousarray(value, self._dtype).tobytes())
        offset = row * self.row_bytes
        while left:  # a disk that fills up takes a part, and says so when asked for the rest
            try:
                taken = os.pwrite(self._file.fileno(), left, offset)
            except OSError as error:  # said here: a worker's error loses its number on its way
                if not disk_full(error):
                    raise
                raise UserError(
                    f"{self.path}: {error.strerror}; make room and give the same command again"
                ) from None
            left, offset = left[taken:], offset + taken


def lengthen(path: Path, size_bytes: int) -> None:
    """Make a file of at least so many bytes, without taking disk for them."""
    with path.open("ab") as file:
        if file.tell() < size_bytes:
            file.truncate(size_bytes)
