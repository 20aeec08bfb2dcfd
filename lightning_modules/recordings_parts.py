"""Parts of the cache of recordings: the sounds of some, joined in a .npy, and a JSON file of them.

Legend: T samples.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lightning_modules.audio import Int16
from lightning_modules.audio_maps import map_npy
from lightning_modules.audio_npy import write_npy
from search_spaces.errors import UserError
from search_spaces.files import read_json, sha256_text, write_json

_BUCKET_DIGITS = 2  # hexadecimal
_MEND = "delete it, it is made anew"


class Key(NamedTuple):
    """What a sound was decoded from: a file, or a stretch of it in seconds, as it was then."""

    path: str
    start_s: float
    end_s: float | None
    version: str


class Place(NamedTuple):
    """The samples of a sound in its part, and their digest; or why there are none."""

    start: int
    samples: int
    digest: str
    skipped: str


@dataclass(frozen=True)
class Part:
    """Sounds of one bucket.

    Attributes:
        index: the JSON file; the sound is beside it.
        places: where each sound lies.
        joined: int16 [T], memory-mapped, so that it lasts if another process deletes the files.
    """

    index: Path
    places: dict[Key, Place]
    joined: Int16

    def samples(self, place: Place) -> Int16:
        """The sound at a place, int16 [T]."""
        return self.joined[place.start : place.start + place.samples]

    def outdated(self, known: Mapping[Key, object]) -> set[Key]:
        """What it holds, besides ``known``, of files that are gone or no longer the same."""
        others = self.places.keys() - known.keys()
        return {key for key in others if _is_outdated(key)}

    def is_replaced_by(self, new: Part) -> bool:
        """Whether ``new`` has all of it that still is; one of other files is left alone.

        Their disk may not be there today.
        """
        left = self.places.keys() - new.places.keys() - self.outdated(new.places)
        paths = {key.path for key in new.places}
        return not left and any(key.path in paths for key in self.places)

    def delete(self) -> None:
        """Remove its files, the index first: without it there is no part."""
        for path in (self.index, self.index.with_suffix(".npy")):
            path.unlink(missing_ok=True)


def version_of(path: Path) -> str:
    """Changes when the file does."""
    if not os.access(path, os.R_OK):
        return "not readable"
    status = path.stat()
    return f"{status.st_size} bytes, {status.st_mtime_ns} ns"


def _is_outdated(key: Key) -> bool:
    """Whether the file is gone or another; where its folder is gone too, a disk may be away."""
    path = Path(key.path)
    return path.parent.exists() and version_of(path) != key.version


def bucket_of(key: Key) -> str:
    """One of 256, by the hash of the path: all stretches of a file are in the same."""
    return sha256_text(key.path)[:_BUCKET_DIGITS]


def index_name(bucket: str, wanted: Iterable[Key]) -> str:
    """Name of the JSON file of a part that holds these, in this order."""
    return f"{bucket}-{sha256_text(json.dumps(list(wanted)))[:20]}.json"


def indexes_in(folder: Path) -> dict[str, list[Path]]:
    """The JSON files of all parts, by bucket."""
    found: dict[str, list[Path]] = {}
    for index in sorted(folder.glob("*-*.json")):
        found.setdefault(index.name.partition("-")[0], []).append(index)
    return found


def read_part(index: Path) -> Part | None:
    """A part; None where it is not whole, or not any more: another process may have replaced it.

    Raises:
        UserError: it is damaged, or cannot be opened.
    """
    sound_file = index.with_suffix(".npy")
    try:
        places = _read_places(index)
        samples = sum(place.samples for place in places.values())
    except (UserError, TypeError, ValueError):
        if index.is_file():
            raise UserError(f"{index}: damaged; {_MEND}") from None
        return None
    try:
        joined = map_npy(sound_file, _MEND) if samples else np.zeros(0, np.int16)
    except UserError:
        if sound_file.is_file():
            raise
        return None
    if joined.shape != (samples,):
        raise UserError(f"{sound_file}: damaged; {_MEND}")
    return Part(index, places, joined)


def write_part(index: Path, sounds: Iterable[tuple[Key, Int16 | str]]) -> Part:
    """Write sounds, or why there is none, of which memory holds one at a time.

    Raises:
        UserError: another process deletes it meanwhile.
    """
    rows: list[tuple[object, ...]] = []

    def pieces() -> Iterator[Int16]:
        for key, sound in sounds:
            if isinstance(sound, str):
                rows.append((*key, 0, "", sound))
            else:
                digest = hashlib.sha256(sound.tobytes()).hexdigest()[:32]
                rows.append((*key, len(sound), digest, ""))
                yield sound

    write_npy(index.with_suffix(".npy"), pieces())
    write_json(index, rows)  # last: where it is, the part is whole
    part = read_part(index)
    if part is None:
        raise UserError(f"{index}: deleted while it was made; start again")
    return part


def _read_places(index: Path) -> dict[Key, Place]:
    places, start = {}, 0
    for *key, samples, digest, skipped in read_json(index, {}):
        places[Key(*key)] = Place(start, samples, digest, skipped)
        start += samples
    return places
