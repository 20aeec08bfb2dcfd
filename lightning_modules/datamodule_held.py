"""The sound of clips that come again and again: mixing a room takes longer than a small net's step.

Legend: N clips, T samples.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from shutil import disk_usage
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lightning_modules.audio import Int16
from lightning_modules.mixtures import Clip, Mixtures
from search_spaces.clip import CLIP_SAMPLES
from search_spaces.errors import UserError
from search_spaces.files import sha256_json

_SOUNDS, _MARKS = "clips.i16", "counts.u8"
_FREE_SHARE = 0.9  # of the free disk that held clips may take


class Held(Protocol):
    """Clips by number, of which some are kept."""

    def samples(self, index: int) -> Int16:
        """Sound of clip ``index``, int16 [T]."""
        ...

    def count(self, index: int) -> int:
        """Count of clip ``index``, which the mixtures must reveal."""
        ...


class HeldInMemory:
    """Keeps the first N clips that it is asked for, in this process.

    Args:
        mixtures: makes the clips.
        clips: N.
    """

    def __init__(self, mixtures: Mixtures, clips: int) -> None:
        self._mixtures, self._clips = mixtures, clips
        self._held: dict[int, Clip] = {}

    def __len__(self) -> int:
        return len(self._held)

    def samples(self, index: int) -> Int16:
        """See `Held.samples`."""
        return self._clip(index).samples

    def count(self, index: int) -> int:
        """See `Held.count`."""
        return int(self._clip(index).count)

    def _clip(self, index: int) -> Clip:
        held = self._held.get(index)
        if held is None:
            held = self._mixtures[index]
            if len(self._held) < self._clips:
                self._held[index] = held
        return held


class HeldOnDisk:
    """Keeps clips 0..N-1 in a folder, for every process and every later run with the same clips.

    A clip counts as there only when all of it is: a kill loses the one that was being written. The
    file of sounds is sparse and takes 160 kB per clip that is there; the file of marks has 0 for a
    clip that is missing, else its count + 1.

    Args:
        folder: of these mixtures alone (`held_folder`).
        mixtures: makes the clips, and reveals their counts.
        clips: N.

    Raises:
        UserError: the disk has no room for them.
    """

    def __init__(self, folder: Path, mixtures: Mixtures, clips: int) -> None:
        self._folder, self._mixtures, self._clips = folder, mixtures, clips
        folder.mkdir(parents=True, exist_ok=True)
        self._grow(_SOUNDS, clips * CLIP_SAMPLES * 2)
        self._grow(_MARKS, clips)
        self._open()
        self._forget_others()
        _check_room(folder, int((self._marks == 0).sum()))

    def __len__(self) -> int:
        return int(np.count_nonzero(self._marks))

    def samples(self, index: int) -> Int16:
        """See `Held.samples`."""
        self._keep(index)
        return self._sounds[index] if index < self._clips else self._mixtures[index].samples

    def count(self, index: int) -> int:
        """See `Held.count`."""
        self._keep(index)
        return int(self._marks[index] - 1 if index < self._clips else self._mixtures[index].count)

    def _keep(self, index: int) -> None:
        if index < self._clips and not self._marks[index]:
            clip = self._mixtures[index]
            self._sounds[index] = clip.samples
            self._marks[index] = clip.count + 1

    def __getstate__(self) -> dict[str, Any]:
        """Without the maps, which a spawned worker would get as copies."""
        return {"_folder": self._folder, "_mixtures": self._mixtures, "_clips": self._clips}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def _grow(self, name: str, size: int) -> None:
        with (self._folder / name).open("ab") as file:
            if file.tell() < size:
                file.truncate(size)

    def _open(self) -> None:
        shape = (self._clips, CLIP_SAMPLES)
        self._sounds: Int16 = np.memmap(self._folder / _SOUNDS, np.int16, "r+", shape=shape)
        self._marks: NDArray[np.uint8] = np.memmap(
            self._folder / _MARKS, np.uint8, "r+", shape=(self._clips,)
        )

    def _forget_others(self) -> None:
        """Forget all, if one of them is no longer what the mixtures make: the kit has changed."""
        there = np.flatnonzero(self._marks)
        if len(there) and not np.array_equal(
            self._sounds[there[0]], self._mixtures[int(there[0])].samples
        ):
            print(f"{self._folder}: clips of another version, made anew", file=sys.stderr)
            self._marks[:] = 0


def held_folder(cache: Path, clips: Mapping[str, Any]) -> Path:
    """The folder of the clips that are described by ``clips``, plain values."""
    return cache / "clips" / sha256_json(clips)[:16]


def _check_room(folder: Path, missing: int) -> None:
    needed, free = missing * CLIP_SAMPLES * 2, disk_usage(folder).free
    if needed > _FREE_SHARE * free:
        raise UserError(
            f"held_on_disk: {missing} clips need {needed / 1e9:.1f} GB in {folder}, which has"
            f" {free / 1e9:.1f} GB free; lower held_clips, or set cache or ERSAM_CACHE to a larger"
            " disk"
        )
