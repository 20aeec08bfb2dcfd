"""Recordings with labels, as a user keeps them: a folder per class, or a CSV that lists them.

A recording without a label is unlabelled data. Nothing is decoded here.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lightning_modules.audio_folder import PassedBy, walk_audio
from lightning_modules.csv_rows import check_needed, read_rows
from lightning_modules.recordings_item import Item, differently_spelled
from lightning_modules.recordings_layouts import read_layout
from lightning_modules.seconds import read_seconds
from lightning_modules.splits import SPLITS
from search_spaces.errors import UserError, describe_os_error
from search_spaces.files import real_path

UNLABELLED = "unlabelled"  # a folder of this name is no class
_SPLIT_FOLDERS = {"train", "training", "val", "valid", "validation", "dev", "test", "eval"}
LABEL_SEPARATOR = ";"
COLUMNS = ("path", "label", "speaker", "start_s", "end_s", "split", "snr_db")


def read_recordings(root: Path, classes: bool = True) -> list[Item]:
    """List the recordings below a folder, or those of a CSV.

    Args:
        root: a folder with one folder per class (recordings beside these, or in a folder
            ``unlabelled``, are unlabelled; in ``<class>/<speaker>/`` the speaker is known); one of
            the data sets of `recordings_layouts`; or a CSV with the columns
            ``path,label[,speaker][,start_s,end_s][,split][,snr_db]``, its paths relative to it and
            several labels separated by ``;``.
        classes: whether labels matter, so that a folder without recordings is a class that lacks.

    Raises:
        UserError: no such folder or file, no recordings, a row that cannot be, a class without
            recordings, or classes whose names differ in spelling only.
    """
    root = Path(root)
    if root.is_dir():
        items = read_layout(root) or sorted(_of_folder(root, classes), key=lambda item: item.name)
    elif root.is_file():
        items = list(_of_csv(root))
    else:
        raise UserError(f"root: {root}: no such folder or CSV")
    if not items and root.is_file():
        raise UserError(f"root: {root}: lists no recording; add a line for each")
    if not items:
        raise UserError(
            f"root: {root}: holds no wav, flac, mp3 or ogg file; expected <class>/<recording>,"
            f" or a CSV with {','.join(COLUMNS[:2])}"
        )
    check_spelling(items, str(root))
    return items


@contextmanager
def blaming(field: str) -> Iterator[None]:
    """Name ``field`` where what reads recordings would name ``root``.

    Raises:
        UserError: what the block raised.
    """
    try:
        yield
    except UserError as error:
        raise UserError(f"{field}: {str(error).removeprefix('root: ')}") from None


def named_root(root: str) -> Path:
    """The path of a data module's ``root``; an empty one would be the folder one is in.

    Raises:
        UserError: it is empty.
    """
    if not root:
        raise UserError("root: is empty; name a folder of recordings, or a CSV")
    return Path(root)


def class_names(items: Iterable[Item]) -> tuple[str, ...]:
    """All labels, numbers in the order of their value and words in that of the alphabet."""
    names = {label for item in items for label in item.labels}
    return tuple(
        sorted(names, key=lambda name: (not name.isdecimal(), len(name) * name.isdecimal(), name))
    )


def check_classes(items: Iterable[Item], where: str) -> tuple[str, ...]:
    """The labels of recordings, of which a task of classes needs two.

    Raises:
        UserError: naming what there is instead.
    """
    names = class_names(items)
    if len(names) < 2:
        found = f"only class {names[0]!r}" if names else "no label"
        raise UserError(
            f"{where}: holds {found}, expected at least two classes: a folder each, or a CSV with"
            f" {','.join(COLUMNS[:2])}"
        )
    return names


def check_heard(names: Iterable[str], usable: Iterable[Item], where: str) -> None:
    """Refuse a class of which nothing could be decoded: it would be an output that learns none.

    Args:
        names: the classes of all recordings that are listed.
        usable: those that could be decoded.
        where: the field to name.

    Raises:
        UserError: naming the class.
    """
    heard = class_names(usable)
    lost = [name for name in names if name not in heard]
    if lost:
        raise UserError(
            f"{where}: class {lost[0]!r}: none of its recordings can be used (skipped, see above);"
            " mend them, or remove the class"
        )


def check_spelling(items: Iterable[Item], where: str) -> None:
    """Refuse classes whose names differ in case, spaces, ``-``, ``_`` or Unicode's form only.

    Raises:
        UserError: naming both and a recording of the second.
    """
    named: dict[str, str] = {}
    for item in items:
        for label in item.labels:
            named.setdefault(label, item.name)
    for first, label in differently_spelled(named):
        raise UserError(
            f"{where}: classes {first!r} and {label!r} ({named[label]}) differ in spelling only;"
            " give them one name"
        )


def _of_folder(root: Path, classes: bool) -> Iterator[Item]:
    heard: set[str] = set()
    passed_by = PassedBy()
    for parent, names in walk_audio(root, _refuse_folder, passed_by):
        inside = Path(parent).relative_to(root).parts
        labels = inside[:1] if inside and inside[0] != UNLABELLED else ()
        speaker = inside[1] if len(inside) > 1 else None
        if classes and labels and LABEL_SEPARATOR in labels[0]:
            raise UserError(
                f"root: {root / labels[0]}: {LABEL_SEPARATOR!r} separates labels and cannot be in"
                " one; rename the folder"
            )
        if classes and labels and names and labels[0] != labels[0].strip():
            raise UserError(
                f"root: {root / labels[0]}: its name {labels[0]!r} begins or ends with a blank,"
                " which a CSV would take off; rename the folder"
            )
        heard.update(inside[:1] if names else ())
        for name in names:
            path = Path(parent, name)
            yield Item(path, str(path.relative_to(root)), labels, speaker)
    if passed_by.links:
        raise UserError(
            f"root: {min(passed_by.links)}: is a link, which is not followed; copy the folder, or"
            " list its files in a CSV"
        )
    for line in passed_by.lines():
        print(f"warning: root: {line}", file=sys.stderr)
    if classes:
        _refuse_misnamed(root, heard)
        _refuse_silent(root, heard)


def _refuse_misnamed(root: Path, folders: Collection[str]) -> None:
    """Refuse folders that would be classes by their place and are none by their name.

    Raises:
        UserError: they are splits, or meant to be unlabelled.
    """
    if len(folders) > 1 and all(name.casefold() in _SPLIT_FOLDERS for name in folders):
        raise UserError(
            f"root: {root}: {', '.join(sorted(folders))} look like splits, not classes; list the"
            f" recordings in a CSV with {','.join(COLUMNS[:2])},split, or put the folders of the"
            " classes here"
        )
    for name in sorted(folders):
        if name != UNLABELLED and name.casefold() in (UNLABELLED, "unlabeled"):
            raise UserError(
                f"root: {root / name}: would be a class; call it {UNLABELLED} if it is none"
            )


def _refuse_silent(root: Path, heard: Container[str]) -> None:
    """Refuse a class without recordings: it would be missing without a word.

    Raises:
        UserError: naming the folder and why nothing of it was read.
    """
    for folder in sorted(root.iterdir()):
        if folder.name in heard or folder.name.startswith(".") or not folder.is_dir():
            continue
        raise UserError(
            f"root: {folder}: holds no wav, flac, mp3 or ogg file; convert its files, or remove"
            " the folder"
        )


def _refuse_folder(error: OSError) -> None:
    raise UserError(f"root: {describe_os_error(error)}") from None


def _of_csv(source: Path) -> Iterator[Item]:
    seen: dict[tuple[Path, float, float | None], tuple[Item, int]] = {}
    expected = f"{','.join(COLUMNS[:2])}[,speaker][,start_s,end_s][,split]"
    for at, row in read_rows(
        source, lambda found: check_needed(found, COLUMNS[:2], expected, source), COLUMNS, "path"
    ):
        where = f"{source} line {at}"
        item = _of_row(row, source, where)
        earlier, line = seen.setdefault(
            (real_path(item.path), item.start_s, item.end_s), (item, at)
        )
        if earlier is not item:
            what = "is in two splits" if earlier.split != item.split else "is listed twice"
            raise UserError(f"{where}: {item.name} {what} (also line {line}); keep one")
        yield item


def _of_row(row: Mapping[str, str | None], source: Path, where: str) -> Item:
    name = (row["path"] or "").strip()
    path = source.parent / name
    if not name:
        raise UserError(f"{where}: path is empty; name a recording, or remove the line")
    if not path.is_file():
        raise UserError(f"{where}: no such file {path}; paths are relative to the CSV's folder")
    labels = tuple(
        label.strip() for label in (row["label"] or "").split(LABEL_SEPARATOR) if label.strip()
    )
    start_s, end_s = _seconds(row, "start_s", where), _seconds(row, "end_s", where)
    if end_s is not None and end_s <= (start_s or 0.0):
        raise UserError(f"{where}: end_s {end_s:g}, expected more than start_s {start_s or 0:g}")
    split = (row.get("split") or "").strip()
    if split and split not in SPLITS:
        raise UserError(f"{where}: split {split!r}, expected {', '.join(SPLITS)} or nothing")
    if start_s is not None or end_s is not None:
        name = f"{name}#{start_s or 0:g}-{'' if end_s is None else f'{end_s:g}'}"
    return Item(
        path=path,
        name=name,
        labels=tuple(dict.fromkeys(labels)),
        speaker=(row.get("speaker") or "").strip() or None,
        start_s=start_s or 0.0,
        end_s=end_s,
        split=next((known for known in SPLITS if known == split), None),
        snr_db=_snr_db(row, where),
    )


def _snr_db(row: Mapping[str, str | None], where: str) -> float | None:
    text = (row.get("snr_db") or "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: snr_db {text!r}, expected a number of dB, or nothing")
    return value


def _seconds(row: Mapping[str, str | None], column: str, where: str) -> float | None:
    text = (row.get(column) or "").strip()
    if not text:
        return None
    return read_seconds(text, f"{where}: {column}", "seconds, or nothing")
