"""Recordings of which no label is wanted: any folder of speech, or a CSV that lists them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_modules.recordings import read_recordings
from lightning_modules.recordings_item import Item
from lightning_modules.recordings_layouts import read_layout
from lightning_modules.sources import folder_source, warn_of_remarks
from search_spaces.errors import UserError
from search_spaces.files import real_path

ANY = ("recording",)  # the one class of all, by which `split_recordings` splits


def read_unlabelled(root: Path) -> list[Item]:
    """List the recordings below a folder, or those of a CSV, without their labels.

    Args:
        root: a folder, in which the reader is the parent folder (or LibriSpeech's layout), as where
            people are counted; or a published layout or a CSV as of classes, whose labels are not
            looked at.

    Raises:
        UserError: see `sources.folder_source`, `recordings_layouts.read_layout` and
            `recordings.read_recordings`.
    """
    root = Path(root)
    listed = read_layout(root) if root.is_dir() else read_recordings(root)
    if listed:
        return [replace(item, labels=ANY) for item in listed]
    try:
        source = folder_source(root)
    except UserError as error:
        raise UserError(f"root: {str(error).removeprefix('speech: ')}") from None
    warn_of_remarks(source, str(root))
    return [
        Item(Path(source.place, recording.name), recording.name, ANY, recording.reader)
        for recording in source.recordings
    ]


def files_of(items: Iterable[Item]) -> NDArray[np.int64]:
    """The number of each recording's file, int64 [N]: equal for stretches of one."""
    numbers: dict[Path, int] = {}
    found = [numbers.setdefault(real_path(item.path), len(numbers)) for item in items]
    return np.array(found, np.int64)


def without_labels(items: Iterable[Item]) -> list[Item]:
    """The same recordings, as `labels.csv` lists them: no label of theirs was looked at."""
    return [replace(item, labels=()) for item in items]
