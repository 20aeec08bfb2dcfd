"""Recordings decoded once: 16 kHz mono int16 in parts, each a pair of files.

A recording belongs to one of 256 buckets by the hash of its path, and a part holds those of one
bucket that were asked for together. One that joins or changes is decoded alone, and its part is
written anew. Training reads memory-mapped sound at any place.
Legend: T samples.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lightning_modules.audio import Float32, Int16, read_audio, to_pcm16
from lightning_modules.audio_maps import allow_files
from lightning_modules.recordings_item import Item
from lightning_modules.recordings_parts import (
    Key,
    Part,
    bucket_of,
    index_name,
    indexes_in,
    read_part,
    version_of,
    write_part,
)
from lightning_modules.seconds import ROUNDING_S
from lightning_modules.sources_cache import cache_root
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.files import real_path
from search_spaces.task_classes import ClassesTask

MIN_SECONDS = ClassesTask.shortest_seconds


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
    keys = [_key(item) for item in items]
    buckets: dict[str, dict[Key, Item]] = {}
    for key, item in zip(keys, items, strict=True):
        buckets.setdefault(bucket_of(key), {}).setdefault(key, item)
    parts = _parts(buckets, cache_root(cache) / "recordings")
    found = Sounds([], [], [], [])
    for key, item in zip(keys, items, strict=True):
        part = parts[bucket_of(key)]
        place = part.places[key]
        if place.skipped:
            found.skipped.append(place.skipped)
            continue
        found.items.append(item)
        found.samples.append(part.samples(place))
        found.digests.append(place.digest)
    for message in found.skipped:
        print(f"skipped: {message}", file=sys.stderr)
    if found.skipped and (strict or not found.items):
        mend = "mend or remove them, or drop strict" if found.items else "mend them"
        raise UserError(
            f"root: {len(found.skipped)} of {len(items)} recordings cannot be used (see above);"
            f" {mend}"
        )
    return found


def _parts(buckets: Mapping[str, dict[Key, Item]], folder: Path) -> dict[str, Part]:
    """A part of each bucket, made where there is none; each core decodes one file at a time."""
    allow_files(len(buckets))
    there = indexes_in(folder)
    pool = ThreadPoolExecutor(os.cpu_count())  # the decoder releases the GIL
    try:
        jobs = {}
        for bucket, wanted in buckets.items():
            index = folder / index_name(bucket, wanted)
            jobs[pool.submit(_part, wanted, index, there.get(bucket, []))] = bucket
        done = as_completed(jobs)
        with tqdm(done, "Decoding recordings", len(jobs), leave=False, delay=1) as shown:
            return {jobs[job]: job.result() for job in shown}
    finally:
        pool.shutdown(cancel_futures=True)


def _part(wanted: dict[Key, Item], index: Path, there: Sequence[Path]) -> Part:
    """The part at ``index``, or another of ``there`` that has all that is wanted, or a new one."""
    if index in there and (same := read_part(index)) is not None:
        return same
    others = [part for path in there if (part := _other_part(path)) is not None]
    for part in others:
        if wanted.keys() <= part.places.keys() and not part.outdated(wanted):
            return part
    new = write_part(index, _heard(wanted, others))
    for part in others:
        if part.is_replaced_by(new):
            part.delete()
    return new


def _other_part(index: Path) -> Part | None:
    """A part from which sounds may be taken; a damaged one is of no use, and of no harm."""
    try:
        return read_part(index)
    except UserError:
        return None


def _heard(wanted: dict[Key, Item], others: Sequence[Part]) -> Iterator[tuple[Key, Int16 | str]]:
    """The sounds, or why there is none: out of other parts, or decoded.

    Their order follows from ``wanted`` alone, as the part's name does: two processes that make it
    at once write the same.
    """
    by_path: defaultdict[str, list[Key]] = defaultdict(list)
    for key in wanted:
        by_path[key.path].append(key)
    for keys in by_path.values():  # a file may hold many stretches, and is decoded once
        # What could not be used then is tried again: perhaps it could not be read for a moment.
        known = {
            key: part
            for part in others
            for key in keys
            if key in part.places and not part.places[key].skipped
        }
        missing = [wanted[key] for key in keys if key not in known]
        loaded = dict(_load(missing[0].path, missing)) if missing else {}
        for key in keys:
            part = known.get(key)
            if part is None:
                yield key, loaded[wanted[key]]
            else:
                yield key, part.samples(part.places[key])


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
    """The samples of a recording, or of its stretch, int16 [T], without the cache.

    Raises:
        UserError: it cannot be used.
    """
    return next(load_each([item]))


def load_each(items: Iterable[Item]) -> Iterator[Int16]:
    """The same of many; a file whose stretches follow each other is decoded once for them all."""
    for path, stretches in groupby(items, lambda item: item.path):
        for _, sound in _load(path, list(stretches)):
            if isinstance(sound, str):
                raise UserError(sound)
            yield sound


def _key(item: Item) -> Key:
    return Key(str(real_path(item.path)), item.start_s, item.end_s, version_of(item.path))
