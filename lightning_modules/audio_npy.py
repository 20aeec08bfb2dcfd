"""16-bit sound of any length as one .npy, written piece by piece.

Legend: T samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lightning_modules.audio import Int16
from search_spaces.files import atomic_path


def write_npy(path: Path, pieces: Iterator[Int16]) -> int:
    """Write pieces [T] one behind the other, of which memory holds one; gives their total length.

    Nothing is written where there is no piece.
    """
    first = next(pieces, None)
    if first is None:
        return 0
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        return write_pieces(stream, chain([first], pieces))


def write_pieces(stream: BinaryIO, pieces: Iterator[Int16]) -> int:
    """Write pieces [T] as `write_npy` does to a file that is open, in the place of all it holds."""
    samples = 0
    stream.seek(0)
    _write_header(stream, samples)
    for piece in pieces:
        stream.write(piece.tobytes())
        samples += len(piece)
    stream.seek(0)
    _write_header(stream, samples)  # as long as before: numpy leaves room for the length
    return samples


def _write_header(stream: BinaryIO, samples: int) -> None:
    header = {"descr": "<i2", "fortran_order": False, "shape": (samples,)}
    np.lib.format.write_array_header_1_0(stream, header)
