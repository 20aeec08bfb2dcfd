"""`vectors.bin`: inputs with expected outputs, so that any runtime can check itself.

Little-endian throughout, made to be read from Kotlin with one `ByteBuffer`:

    offset  type      content
    0       8 bytes   ASCII "ERSAMVEC"
    8       uint32    version of this layout, 1
    12      uint32    C clips
    16      uint32    T samples of a clip
    20      uint32    V vectors
    24      uint32    K outputs
    28      uint32    P precisions, 1 (fp32) or 2 (fp32, int8)
    32      int16     clips [C, T]
    then for each of the V vectors:
            uint32    index of its clip
            float32   gain
            float32   expected outputs [P, K]

A vector's input is ``float32(sample) / 32767 * gain`` in float32, which keeps five inputs in the
space of two. Letters as in the table.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search_spaces.clips_file import to_float32
from search_spaces.errors import UserError

MAGIC = b"ERSAMVEC"
VERSION = 1
_HEADER = struct.Struct("<8s6I")


@dataclass(frozen=True)
class Vectors:
    """Inputs and what a net answers to them.

    Attributes:
        clips: int16 [C, T].
        clip_index: int [V], clip of each vector.
        gain: float32 [V].
        expected: by precision, float32 [V, K].
    """

    clips: NDArray[np.int16]
    clip_index: NDArray[np.int64]
    gain: NDArray[np.float32]
    expected: dict[str, NDArray[np.float32]]

    @property
    def inputs(self) -> NDArray[np.float32]:
        """The waveforms, float32 [V, T]."""
        return to_float32(self.clips)[self.clip_index] * self.gain[:, None]


def write_vectors(path: Path, vectors: Vectors) -> None:
    """Write the layout above."""
    outputs = np.stack(list(vectors.expected.values()), axis=1)  # [V, P, K]
    count, precisions, num_outputs = outputs.shape
    num_clips, samples = vectors.clips.shape
    with Path(path).open("wb") as stream:
        stream.write(
            _HEADER.pack(MAGIC, VERSION, num_clips, samples, count, num_outputs, precisions)
        )
        stream.write(vectors.clips.astype("<i2").tobytes())
        for index, gain, expected in zip(vectors.clip_index, vectors.gain, outputs, strict=True):
            stream.write(struct.pack("<If", int(index), float(gain)))
            stream.write(expected.astype("<f4").tobytes())


def read_vectors(path: Path, precisions: tuple[str, ...]) -> Vectors:
    """Read the layout above.

    Args:
        path: of the file.
        precisions: names of the P precisions, in order (from the manifest).

    Raises:
        UserError: not such a file, or its size is not what its header says.
    """
    content = Path(path).read_bytes()
    if len(content) < _HEADER.size or content[:8] != MAGIC:
        raise UserError(f"{path}: not a vectors.bin; lower the net anew")
    _, version, num_clips, samples, count, num_outputs, held = _HEADER.unpack_from(content)
    row = np.dtype([("clip", "<u4"), ("gain", "<f4"), ("expected", "<f4", (held, num_outputs))])
    clip_bytes = 2 * num_clips * samples
    size = _HEADER.size + clip_bytes + count * row.itemsize
    if version != VERSION or held != len(precisions) or size != len(content):
        raise UserError(
            f"{path}: layout {version} with {held} precisions and {len(content)} bytes, expected"
            f" {VERSION} with {len(precisions)} and {size}; lower the net anew"
        )
    clips = np.frombuffer(content, "<i2", num_clips * samples, _HEADER.size)
    rows = np.frombuffer(content, row, count, _HEADER.size + clip_bytes)
    return Vectors(
        clips=clips.reshape(num_clips, samples),
        clip_index=rows["clip"].astype(np.int64),
        gain=rows["gain"],
        expected={name: rows["expected"][:, i] for i, name in enumerate(precisions)},
    )
