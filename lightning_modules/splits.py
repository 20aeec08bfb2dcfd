"""Readers go to training, validation or test by a hash of their id, and to one of them only."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Literal, get_args

from search_spaces.errors import UserError
from search_spaces.files import sha256_text

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

MIN_READERS = 2  # per split: with one reader no clip could hold two voices

_TRAIN_BELOW = 0.70
_VALIDATION_BELOW = 0.80


def split_of(reader: str) -> Split:
    """The split of a reader: 70 % train, 10 % validation, 20 % test.

    It depends on nothing but the id, so readers that join later move nobody.
    """
    place = int(sha256_text(reader)[:16], 16) / 2**64
    if place < _TRAIN_BELOW:
        return "train"
    return "validation" if place < _VALIDATION_BELOW else "test"


def split_readers(readers: Iterable[str]) -> dict[Split, list[str]]:
    """Sorted readers of each split.

    Raises:
        UserError: one reader only, or fewer than 2 readers in a split.
    """
    everybody = sorted(set(readers))
    if len(everybody) < 2:
        raise UserError(
            f"speech: only one reader ({', '.join(everybody)}); clips mix several and no reader may"
            " be in two splits: give one folder per reader, about 150 (at least about 50)"
        )
    splits: dict[Split, list[str]] = {split: [] for split in SPLITS}
    for reader in everybody:
        splits[split_of(reader)].append(reader)
    for split, members in splits.items():
        if len(members) < MIN_READERS:
            shares = ", ".join(f"{name} {len(names)}" for name, names in splits.items())
            raise UserError(
                f"speech: {len(everybody)} readers are too few: their ids' hashes give {shares};"
                f" {split} needs at least {MIN_READERS}; add readers (about 50 suffice, about 150"
                " give counts up to 10)"
            )
    return splits


def largest_count(split: Split, readers: int, max_count: int) -> int:
    """The largest count that a split's readers can make, with one warning line if it is limited."""
    if readers < max_count:
        print(
            f"warning: speech: {split} has {readers} readers, so its clips hold at most {readers}"
            f" people at once, not {max_count}; add readers (about 150 give counts up to 10)",
            file=sys.stderr,
        )
    return min(readers, max_count)
