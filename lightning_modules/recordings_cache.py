"""Recordings decoded once: 16 kHz mono int16 in parts of some hundred, each a pair of files.

Training then reads memory-mapped sound at any place. Legend: T samples.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lightning_modules.audio import Float32, Int16, read_audio, to_pcm16
from lightning_modules.recordings_item import Item
from lightning_modules.seconds import ROUNDING_S
from lightning_modules.sources_cache import cache_root
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.files import atomic_path, read_json, write_json
from search_spaces.task_classes import ClassesTask

MIN_SECONDS = ClassesTask.shortest_seconds
PART = 256  # recordings decoded together; a kill loses at most one part


@dataclass(frozen=True)
class Sounds:
    """The recordings that could be decoded.

    Attributes:
        items: of each.
        samples: of each int16 [T], memory-mapped.
        digests: of each one's samples: equal sounds have equal digests.
        skipped: one line for each that could not be used.
    """

    items: list[Item]
    samples: list[Int16]
    digests: list[str]
    skipped: list[str]


def prepare_sounds(items: Sequence[Item], cache: Path | str | None, strict: bool) -> Sounds:
    """Decode what the cache lacks, and open it; killed and started again, it goes on.

    Args:
        items: the recordings.
        cache: see `sources_cache.cache_root`.
        strict: refuse, instead of skip, recordings that cannot be used.

    Raises:
        UserError: none can be used, or ``strict`` and something to skip.
    """
    folder = cache_root(cache) / "recordings"
    parts = [items[start : start + PART] for start in range(0, len(items), PART)]
    found = Sounds([], [], [], [])
    for part in tqdm(parts, "Decoding recordings", leave=False, disable=len(parts) < 2):
        _add(found, part, folder)
    for message in found.skipped:
        print(f"skipped: {message}", file=sys.stderr)
    if found.skipped and (strict or not found.items):
        raise UserError(
            f"root: {len(found.skipped)} of {len(items)} recordings cannot be used (see above);"
            " mend or remove them, or drop strict"
        )
    return found


def _add(found: Sounds, part: Sequence[Item], folder: Path) -> None:
    listing = [
        [str(item.path.resolve()), item.start_s, item.end_s, _version(item)] for item in part
    ]
    name = hashlib.sha256(json.dumps(listing).encode("utf-8", "surrogateescape")).hexdigest()[:20]
    index_path, sound_path = folder / f"{name}.json", folder / f"{name}.npy"
    if not (index_path.is_file() and sound_path.is_file()):
        _decode(part, index_path, sound_path)
    index = read_json(index_path, {})
    try:
        joined = np.load(sound_path, mmap_mode="r")
        if len(index) != len(part) or joined.shape != (sum(entry["samples"] for entry in index),):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{sound_path}: damaged; delete it, it is made anew") from None
    start = 0
    for item, entry in zip(part, index, strict=True):
        if entry["skipped"]:
            found.skipped.append(entry["skipped"])
            continue
        found.items.append(item)
        found.samples.append(joined[start : start + entry["samples"]])
        found.digests.append(entry["digest"])
        start += entry["samples"]


def _decode(part: Sequence[Item], index_path: Path, sound_path: Path) -> None:
    files = list(dict.fromkeys(item.path for item in part))  # one may hold many stretches
    stretches = [[item for item in part if item.path == path] for path in files]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the decoder releases the GIL
        loaded = dict(pair for pairs in pool.map(_load, files, stretches) for pair in pairs)
    decoded = [loaded[item] for item in part]
    with atomic_path(sound_path) as temporary, temporary.open("wb") as stream:
        sounds = [sound for sound in decoded if isinstance(sound, np.ndarray)]
        np.save(stream, np.concatenate(sounds) if sounds else np.zeros(0, np.int16))
    entries = [
        {"samples": 0, "digest": "", "skipped": sound}
        if isinstance(sound, str)
        else {
            "samples": len(sound),
            "digest": hashlib.sha256(sound.tobytes()).hexdigest()[:32],
            "skipped": "",
        }
        for sound in decoded
    ]
    write_json(index_path, entries)


def _load(path: Path, stretches: Sequence[Item]) -> list[tuple[Item, Int16 | str]]:
    """The samples of a file's stretches, or why there are none."""
    try:
        sound = read_audio(path, min_seconds=MIN_SECONDS)
    except UserError as error:
        return [(item, str(error)) for item in stretches]
    return [(item, _stretch(item, sound)) for item in stretches]


def _stretch(item: Item, sound: Float32) -> Int16 | str:
    length_s = len(sound) / SAMPLE_RATE_HZ
    if item.end_s is not None and item.end_s > length_s + ROUNDING_S:
        return f"{item.name}: end_s {item.end_s:g}, but the recording ends at {length_s:.2f} s"
    stop = None if item.end_s is None else round(item.end_s * SAMPLE_RATE_HZ)
    stretch = sound[round(item.start_s * SAMPLE_RATE_HZ) : stop]
    if len(stretch) < MIN_SECONDS * SAMPLE_RATE_HZ:
        return (
            f"{item.name}: holds {len(stretch) / SAMPLE_RATE_HZ:.2f} s of sound there, at least"
            f" {MIN_SECONDS} s is needed"
        )
    return to_pcm16(stretch / max(1.0, float(np.abs(stretch).max())))


def load(item: Item) -> Int16:
    """The samples of a recording, or of its stretch, without the cache.

    Raises:
        UserError: it cannot be used.
    """
    sound = _load(item.path, [item])[0][1]
    if isinstance(sound, str):
        raise UserError(sound)
    return sound


def _version(item: Item) -> str:
    if not os.access(item.path, os.R_OK):
        return "not readable"
    status = item.path.stat()
    return f"{status.st_size} bytes, {status.st_mtime_ns} ns"
