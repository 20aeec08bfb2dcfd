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
from lightning_modules.audio_npy import write_npy
from lightning_modules.sources_cache import cache_root


def prepare_recordings(paths: Sequence[Path], cache: Path | str | None = None) -> None:
    """Decode what the cache lacks; killed and started again, it goes on with the rest.

    Raises:
        UserError: a recording that cannot be read to its end.
    """
    missing = [path for path in dict.fromkeys(paths) if not _place(path, cache).is_file()]
    if not missing:
        return
    pool = ThreadPoolExecutor(os.cpu_count())  # the decoder and the resampler release the GIL
    try:
        jobs = [pool.submit(_decode, path, _place(path, cache)) for path in missing]
        for job in tqdm(as_completed(jobs), "Decoding recordings", len(jobs)):
            job.result()
    finally:
        pool.shutdown(cancel_futures=True)


def open_recording(path: Path, cache: Path | str | None = None) -> Int16:
    """A prepared recording, int16 [T], memory-mapped."""
    return np.load(_place(path, cache), mmap_mode="r")


def _place(path: Path, cache: Path | str | None) -> Path:
    """Where the recording lies, decoded; elsewhere once the file has changed."""
    state = path.stat()
    identity = f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}"
    digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
    return cache_root(cache) / "spans" / f"{digest[:16]}.npy"


def _decode(path: Path, place: Path) -> None:
    """Write the samples; those of a float file beyond full scale are brought within it."""
    peak = 1.0

    def pieces(gain: float) -> Iterator[Int16]:
        nonlocal peak
        for block in read_blocks(path):
            if len(block):
                peak = max(peak, float(block.max()), -float(block.min()))
                yield to_pcm16(block * np.float32(gain))

    write_npy(place, pieces(1.0))
    if peak > 1.0:  # known only at the end
        write_npy(place, pieces(1.0 / peak))
