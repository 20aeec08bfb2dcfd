"""One recording of a task of classes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lightning_modules.splits import Split


@dataclass(frozen=True, slots=True)
class Item:
    """One recording, or a stretch of one.

    Attributes:
        path: the file.
        name: the path as the folder or CSV has it, with the stretch if there is one.
        labels: classes; none for unlabelled data.
        speaker: whose voice, or which source; None if not known.
        start_s, end_s: the stretch; None for the file's end.
        split: where the CSV says so.
        snr_db: of the labelled sound in its background, where the CSV says so.
    """

    path: Path
    name: str
    labels: tuple[str, ...] = ()
    speaker: str | None = None
    start_s: float = 0.0
    end_s: float | None = None
    split: Split | None = None
    snr_db: float | None = None


def differently_spelled(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs that differ in case, spaces, ``-``, ``_`` or Unicode's form only, each name once."""
    first_of: dict[str, str] = {}
    for name in dict.fromkeys(names):
        same = unicodedata.normalize("NFKC", name)  # one accent may be written in two ways
        plain = "".join(letter for letter in same.casefold() if letter not in " -_")
        first = first_of.setdefault(plain, name)
        if first != name:
            yield first, name
