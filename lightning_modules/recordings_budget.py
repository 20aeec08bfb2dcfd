"""The label budget of a folder of recordings, as a file: which recordings' labels are looked at.

Training gets the labels of these alone: every other recording is handed on without any.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lightning_modules.csv_rows import TableWriter
from lightning_modules.labels import VALIDATION_SHARE
from lightning_modules.recordings import LABEL_SEPARATOR, class_names
from lightning_modules.recordings_item import Item
from lightning_modules.recordings_split import Splits
from lightning_modules.splits import Split
from search_spaces.errors import UserError
from search_spaces.files import atomic_path, real_path

COLUMNS = ("recording", "use", "label", "speaker")
TEST_LIST = "test_recordings.csv"  # beside labels.csv


@dataclass(frozen=True)
class Budget:
    """Places of the recordings whose labels training and validation may see."""

    train: list[int]
    validation: list[int]
    remarks: list[str]


def draw_budget(items: Sequence[Item], splits: Splits, per_class: int | None, seed: int) -> Budget:
    """Choose ``per_class`` labelled recordings of every class, a fifth of them for validation.

    A larger budget holds every label of a smaller one.

    Args:
        items: the recordings.
        splits: theirs.
        per_class: of every class, at least 2; None for all labels that there are.
        seed: of the choice.

    Raises:
        UserError: fewer than 2.
    """
    if per_class is not None and per_class < 2:
        raise UserError(
            f"labelled_per_class: {per_class}, expected at least 2, one of them for validation"
        )
    validation = None if per_class is None else max(1, round(per_class * VALIDATION_SHARE))
    train = None if per_class is None or validation is None else per_class - validation
    remarks: list[str] = []
    return Budget(
        _choose(items, splits, "train", train, seed, remarks),
        _choose(items, splits, "validation", validation, seed, remarks),
        remarks,
    )


def _choose(
    items: Sequence[Item],
    splits: Splits,
    split: Split,
    per_class: int | None,
    seed: int,
    remarks: list[str],
) -> list[int]:
    labelled = [place for place in splits.places[split] if items[place].labels]
    if per_class is None:
        return labelled
    order = np.random.default_rng((seed, split == "validation")).permutation(len(labelled))
    of_class: dict[str, list[int]] = {name: [] for name in class_names(items)}
    for at in order:
        for name in items[labelled[at]].labels:
            of_class[name].append(labelled[at])
    for name, places in of_class.items():
        if len(places) < per_class:
            remarks.append(
                f"class {name!r} has {len(places)} labelled recordings in {split},"
                f" {per_class} were asked for"
            )
    chosen: set[int] = set()
    seen = Counter[str]()  # of each class among these
    following = {name: iter(places) for name, places in of_class.items()}
    # One more of each class in every round, on top of what a smaller budget has: filled up class by
    # class, recordings of several labels would take the place of some that the smaller one holds.
    for wanted in range(1, 1 + min(per_class, max(map(len, of_class.values()), default=0))):
        for name, places in of_class.items():
            if seen[name] < min(wanted, len(places)):
                place = next(place for place in following[name] if place not in chosen)
                chosen.add(place)
                seen.update(items[place].labels)
    return sorted(chosen)


def write_or_check(path: Path, items: Sequence[Item], budget: Budget) -> None:
    """Write `labels.csv`; if it is there, it must be of the same recordings and labels.

    Raises:
        UserError: it is of others.
    """
    text = io.StringIO(newline="")
    writer = TableWriter(text)
    writer.write(COLUMNS)
    for use, places in (("train", budget.train), ("validation", budget.validation)):
        for place in places:
            item = items[place]
            label = LABEL_SEPARATOR.join(item.labels)
            writer.write((item.name, use, label, item.speaker or ""))
    content = text.getvalue().encode("utf-8", "surrogateescape")
    if not path.exists():
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    elif path.read_bytes() != content:
        raise UserError(
            f"{path}: holds labels of other recordings, another budget or seed than asked for; ask"
            " for the same, or delete it"
        )


def check_unheard(path: Path, items: Sequence[Item]) -> None:
    """Refuse to test a net on recordings that `labels.csv` says it learned from or was chosen by.

    Args:
        path: of `labels.csv`, if it is still there.
        items: the recordings of the test now.

    Raises:
        UserError: naming the first.
    """
    heard = {row[0] for row in _rows(path) or () if row}
    both = [item.name for item in items if item.name in heard]
    if both:
        raise UserError(
            f"{path}: lists {both[0]}, which would test now; ask for the recordings that there"
            " were, or put new ones elsewhere"
        )


def check_test_list(path: Path, items: Sequence[Item]) -> None:
    """Refuse to test a net on others than those kept for that; their folder may have moved.

    Args:
        path: what `write_test_list` wrote when the net was trained, if that is still there.
        items: labelled recordings of the test now.

    Raises:
        UserError: they are others.
    """
    rows = _rows(path)
    if rows is None:
        return
    before = [(Path(name).name, *told) for name, *told in rows]
    if before != [(name.name, *told) for name, *told in map(_listed, items)]:
        raise UserError(
            f"{path}: lists other recordings for the test of this net than asked for now, which may"
            " have trained it; ask for the same split, or judge others by `deploy evaluate --clips`"
        )


def _rows(path: Path) -> list[list[str]] | None:
    """The rows of a list that was written here, without its header; None if it is not there."""
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        return list(csv.reader(stream))[1:]


def write_test_list(path: Path, items: Sequence[Item]) -> None:
    """Write the recordings of the test as a CSV that `deploy evaluate --clips` takes."""
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream,
    ):
        writer = TableWriter(stream)
        writer.write(("path", "label", "speaker", "start_s", "end_s", "snr_db"))
        for item in items:
            writer.write(_listed(item))


def _listed(item: Item) -> tuple[Path, str, str, str, str, str]:
    """A row of the list of the test."""
    numbers = (item.start_s or None, item.end_s, item.snr_db)
    start_s, end_s, snr_db = ("" if number is None else str(number) for number in numbers)
    label = LABEL_SEPARATOR.join(item.labels)
    return real_path(item.path), label, item.speaker or "", start_s, end_s, snr_db
