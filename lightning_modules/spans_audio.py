"""Real recordings decoded once: each as 16 kHz mono int16 in one .npy of the cache, as they are.

Legend: T samples.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lightning_modules.audio import Int16, read_blocks, to_pcm16
from lightning_modules.audio_maps import map_npy
from lightning_modules.audio_npy import write_pieces
from lightning_modules.sources_cache import cache_root
from search_spaces.files import atomic_path, real_path, sha256_text


def prepare_recordings(paths: Sequence[Path], cache: Path | str | None = None) -> None:
    """Decode what the cache lacks; killed and started again, it goes on with the rest.

    Raises:
        UserError: a recording that cannot be read to its end.
    """
    places = {_place(path, cache): path for path in paths}  # one file may have many names
    missing = {place: path for place, path in places.items() if not _is_there(place)}
    if not missing:
        return
    pool = ThreadPoolExecutor(os.cpu_count())  # the decoder and the resampler release the GIL
    try:
        jobs = [pool.submit(_prepare, path, place) for place, path in missing.items()]
        for job in tqdm(as_completed(jobs), "Decoding recordings", len(jobs)):
            job.result()
    finally:
        pool.shutdown(cancel_futures=True)


def open_recording(path: Path, cache: Path | str | None = None) -> Int16:
    """A prepared recording, int16 [T], memory-mapped.

    Raises:
        UserError: its place in the cache is damaged, or too many files are open (`allow_files`).
    """
    return _open(_place(path, cache))


def recording_sha256(path: Path, cache: Path | str | None = None) -> str:
    """Of the samples of a prepared recording, wherever it lies and whenever it was copied."""
    return _digest_file(_place(path, cache)).read_text(encoding="ascii")


def _place(path: Path, cache: Path | str | None) -> Path:
    """Where the recording lies, decoded; elsewhere once the file has changed."""
    state = path.stat()
    identity = f"{real_path(path)}\0{state.st_size}\0{state.st_mtime_ns}"
    digest = sha256_text(identity)
    return cache_root(cache) / "spans" / f"{digest[:16]}.npy"


def _digest_file(place: Path) -> Path:
    return place.with_suffix(".sha256")


def _is_there(place: Path) -> bool:
    return place.is_file() and _digest_file(place).is_file()


def _open(place: Path) -> Int16:
    return map_npy(place, "delete it, it is made anew")


def _prepare(path: Path, place: Path) -> None:
    """Write the samples, and then their digest, which earlier versions did not keep."""
    if not place.is_file():
        _decode(path, place)
    sha256 = hashlib.sha256(_open(place).data).hexdigest()
    with atomic_path(_digest_file(place)) as temporary:
        temporary.write_text(sha256, encoding="ascii")


def _decode(path: Path, place: Path) -> None:
    """Write the samples; those of a float file beyond full scale are brought within it."""
    peak = 1.0

    def pieces(gain: float) -> Iterator[Int16]:
        nonlocal peak
        for block in read_blocks(path):
            if len(block):
                peak = max(peak, float(block.max()), -float(block.min()))
                yield to_pcm16(block * np.float32(gain))

    # killed between the two, nothing clipped is there
    with atomic_path(place) as temporary, temporary.open("wb") as stream:
        write_pieces(stream, pieces(1.0))
        if peak > 1.0:  # known only at the end
            write_pieces(stream, pieces(1.0 / peak))
