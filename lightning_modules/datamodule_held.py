"""Clips that come again and again: mixing a room takes longer than a small net's step.

Kept is their sound, or what one net's front end makes of it (`HeldForm`).
Legend: N clips, T samples, F mel bands, L frames.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from shutil import disk_usage
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lightning_modules.held_form import HeldForm, Sound
from lightning_modules.held_rows import HeldRows, lengthen
from lightning_modules.mixtures import Clip, Mixtures
from search_spaces.errors import UserError
from search_spaces.files import sha256_json

_MARKS = "counts.u8"
_FREE_SHARE = 0.9  # of the free disk that held clips may take


class Held(Protocol):
    """Clips by number, of which some are kept.

    Attributes:
        form: what `clip` returns.
    """

    form: HeldForm

    def clip(self, index: int) -> NDArray[Any]:
        """Clip ``index`` in the form in which it is kept."""
        ...

    def count(self, index: int) -> int:
        """Count of clip ``index``, which the mixtures must reveal."""
        ...


class HeldInMemory:
    """Keeps the sound of the first N clips that it is asked for, in this process.

    Args:
        mixtures: makes the clips.
        clips: N.
    """

    def __init__(self, mixtures: Mixtures, clips: int) -> None:
        self.form: HeldForm = Sound()
        self._mixtures, self._clips = mixtures, clips
        self._held: dict[int, Clip] = {}

    def __len__(self) -> int:
        return len(self._held)

    def clip(self, index: int) -> NDArray[Any]:
        """See `Held.clip`."""
        return self._made(index).samples

    def count(self, index: int) -> int:
        """See `Held.count`."""
        return int(self._made(index).count)

    def _made(self, index: int) -> Clip:
        held = self._held.get(index)
        if held is None:
            held = self._mixtures[index]
            if len(self._held) < self._clips:
                self._held[index] = held
        return held


class HeldOnDisk:
    """Keeps clips 0..N-1 in a folder, for every process and every later run with the same clips.

    A clip counts as there only when all of it is: a kill loses the one that was being written. The
    file of clips is sparse; the file of marks has 0 for a clip that is missing, else its count + 1.

    Args:
        folder: of these mixtures in this form alone (`held_folder`).
        mixtures: makes the clips, and reveals their counts.
        clips: N.
        form: in which they are kept.

    Raises:
        UserError: the disk has no room for them.
    """

    def __init__(
        self, folder: Path, mixtures: Mixtures, clips: int, form: HeldForm | None = None
    ) -> None:
        self.form = form or Sound()
        self._folder, self._mixtures, self._clips = folder, mixtures, clips
        folder.mkdir(parents=True, exist_ok=True)
        self._open()
        self._forget_others()
        _check_room(folder, len(self.missing()), self._kept.row_bytes)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._marks))

    def clip(self, index: int) -> NDArray[Any]:
        """See `Held.clip`."""
        if index >= self._clips:
            return self.form.of(self._mixtures[index])
        self.keep(index)
        return self._kept[index]

    def count(self, index: int) -> int:
        """See `Held.count`."""
        if index >= self._clips:
            return int(self._mixtures[index].count)
        self.keep(index)
        return int(self._marks[index] - 1)

    def missing(self) -> NDArray[np.int64]:
        """Numbers of the clips that are not there yet."""
        return np.flatnonzero(self._marks == 0)

    def keep(self, index: int) -> None:
        """Make clip ``index`` < N unless it is there."""
        if not self._marks[index]:
            clip = self._mixtures[index]
            self._kept[index] = self.form.of(clip)
            self._marks[index] = clip.count + 1

    def __getstate__(self) -> dict[str, Any]:
        """Without the open files, which a spawned worker opens anew."""
        kept = ("form", "_folder", "_mixtures", "_clips")
        return {name: self.__dict__[name] for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def _open(self) -> None:
        path = self._folder / self.form.file
        self._kept = HeldRows(path, self._clips, self.form.shape, self.form.dtype)
        marks = self._folder / _MARKS
        lengthen(marks, self._clips)
        self._marks: NDArray[np.uint8] = np.memmap(marks, np.uint8, "r+", shape=(self._clips,))

    def _forget_others(self) -> None:
        """Forget all, if one of them is no longer what the mixtures make: the kit has changed."""
        there = np.flatnonzero(self._marks)
        if not len(there):
            return
        anew = self.form.of(self._mixtures[int(there[0])])
        if not np.allclose(self._kept[there[0]], anew, rtol=0.0, atol=self.form.tolerance):
            print(f"{self._folder}: clips of another version, made anew", file=sys.stderr)
            self._marks[:] = 0


def held_folder(cache: Path, clips: Mapping[str, Any], form: HeldForm | None = None) -> Path:
    """The folder of the clips that are described by ``clips``, plain values, in a form."""
    described = {} if form is None else form.described()
    return cache / "clips" / sha256_json({**clips, **described})[:16]


def _check_room(folder: Path, missing: int, clip_bytes: int) -> None:
    needed, free = missing * clip_bytes, disk_usage(folder).free
    if needed > _FREE_SHARE * free:
        raise UserError(
            f"held_on_disk: {missing} clips need {needed / 1e9:.1f} GB in {folder}, which has"
            f" {free / 1e9:.1f} GB free; lower held_clips, or set cache or ERSAM_CACHE to a larger"
            " disk"
        )
