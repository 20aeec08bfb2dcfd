"""Data sets in the layout in which they are published; each is known by a file of its own.

ESC-50 (Piczak 2015), UrbanSound8K (Salamon et al. 2014), Speech Commands (Warden 2018), FSD50K
(Fonseca et al. 2022) and the Free Spoken Digit Dataset (Jackson et al. 2018). Where they are
published with folds, the last one is the test and the one before it the validation.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from lightning_modules.audio import AUDIO_SUFFIXES
from lightning_modules.csv_rows import check_needed, read_rows
from lightning_modules.recordings_item import Item
from lightning_modules.splits import Split
from search_spaces.errors import UserError
from search_spaces.files import read_json

_DIGIT = re.compile(r"(?P<digit>\d)_(?P<speaker>[A-Za-z]+)_\d+\.\w+")
_COMMAND = re.compile(r"(?P<speaker>[0-9a-f]+)_nohash_\d+\.\w+")
_LISTS: Mapping[str, Split] = {"validation_list.txt": "validation", "testing_list.txt": "test"}
_DEV_SPLITS: Mapping[str, Split] = {"train": "train", "val": "validation"}


def read_layout(root: Path) -> list[Item] | None:
    """The recordings of a known data set, None for another folder.

    Raises:
        UserError: a list that is damaged, lacks a column, or names a recording twice, or one that
            is not there.
    """
    for sign, read in _LAYOUTS.items():
        if (root / sign).is_file():
            items = sorted(read(root, root / sign), key=lambda item: item.name)
            for first, second in itertools.pairwise(items):
                if first.name == second.name:
                    raise UserError(f"{root}: lists {first.name} twice; copy the data set again")
            return items
    return _digits(root) or _digits(root / "recordings")  # a clone of the repository


def _esc50(root: Path, table: Path) -> Iterator[Item]:
    for where, row in _rows(table, "filename", "fold", "category", "src_file"):
        split = _of_fold(row["fold"], 5, where)
        yield _item(root, f"audio/{row['filename']}", (row["category"],), row["src_file"], split)


def _urbansound8k(root: Path, table: Path) -> Iterator[Item]:
    for where, row in _rows(table, "slice_file_name", "fsID", "fold", "class"):
        split = _of_fold(row["fold"], 10, where)
        name = f"audio/fold{row['fold']}/{row['slice_file_name']}"
        yield _item(root, name, (row["class"],), row["fsID"], split)


def _speech_commands(root: Path, _table: Path) -> Iterator[Item]:
    splits: dict[str, Split] = {}
    for name, split in _LISTS.items():
        if (root / name).is_file():
            splits.update(dict.fromkeys(_names(root / name), split))
    for path in _visible(root, "*/*"):
        name, word = f"{path.parent.name}/{path.name}", path.parent.name
        match = _COMMAND.fullmatch(path.name)
        labels = () if word.startswith("_") else (word,)
        speaker = match["speaker"] if match else None
        yield _item(root, name, labels, speaker, splits.pop(name, "train"))
    if splits:
        raise UserError(f"{root}: lists {next(iter(splits))}, which is not there; copy it again")


def _fsd50k(root: Path, _table: Path) -> Iterator[Item]:
    dev, evaluated = (root / f"FSD50K.ground_truth/{part}.csv" for part in ("dev", "eval"))
    uploaders = _uploaders(root, "dev")
    for where, row in _rows(dev, "fname", "labels", "split"):
        split = _DEV_SPLITS.get(row["split"])
        if split is None:
            raise UserError(f"{where}: split {row['split'][:20]!r}, expected train or val; mend it")
        yield _fsd50k_item(root, "dev", row, uploaders, split)
    if evaluated.is_file():
        uploaders = _uploaders(root, "eval")
        for _, row in _rows(evaluated, "fname", "labels"):
            yield _fsd50k_item(root, "eval", row, uploaders, "test")


def _fsd50k_item(
    root: Path, part: str, row: Mapping[str, str], uploaders: Mapping[str, str], split: Split
) -> Item:
    labels, clip = tuple(row["labels"].split(",")), row["fname"]
    return _item(root, f"FSD50K.{part}_audio/{clip}.wav", labels, uploaders.get(clip), split)


def _uploaders(root: Path, part: str) -> Mapping[str, str]:
    """Who uploaded each clip, its source; empty without the metadata, an archive of their own."""
    info = root / f"FSD50K.metadata/{part}_clips_info_FSD50K.json"
    if not info.is_file():
        return {}
    told = read_json(info, {"type": "object", "additionalProperties": {"type": "object"}})
    named = {name: about.get("uploader") for name, about in told.items()}
    return {name: uploader for name, uploader in named.items() if isinstance(uploader, str)}


def _digits(root: Path) -> list[Item] | None:
    paths = sorted(_visible(root, "*"))
    matches = [(path, _DIGIT.fullmatch(path.name)) for path in paths]
    if not paths or any(match is None for _, match in matches):
        return None
    return [
        Item(path, path.name, (match["digit"],), match["speaker"])
        for path, match in matches
        if match
    ]


def _visible(root: Path, pattern: str) -> Iterator[Path]:
    """Audio files without the hidden ones, such as macOS's ``._*.wav``, which hold no sound."""
    for path in root.glob(pattern):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if path.name.lower().endswith(AUDIO_SUFFIXES) and not hidden:
            yield path


def _rows(table: Path, *columns: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each row is, and its fields in these columns, none of which is empty."""
    expected = ", ".join(columns)
    for line, row in read_rows(table, lambda found: check_needed(found, columns, expected, table)):
        fields = {column: (row[column] or "").strip() for column in columns}
        empty = [column for column, field in fields.items() if not field]
        if empty:
            raise UserError(f"{table} line {line}: {empty[0]} is empty; copy the data set again")
        yield f"{table} line {line}", fields


def _names(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text in UTF-8 ({error}); copy it again") from None


def _item(
    root: Path, name: str, labels: tuple[str, ...], speaker: str | None, split: Split
) -> Item:
    path = root / name
    if not path.is_file():
        raise UserError(f"{path}: no such file, though the data set lists it; copy it again")
    return Item(path, name, labels, speaker, split=split)


def _of_fold(text: str, folds: int, where: str) -> Split:
    if text not in map(str, range(1, folds + 1)):
        raise UserError(f"{where}: fold {text[:20]!r}, expected a whole number from 1 to {folds}")
    if text == str(folds):
        return "test"
    return "validation" if text == str(folds - 1) else "train"


_LAYOUTS: Mapping[str, Callable[[Path, Path], Iterator[Item]]] = {
    "meta/esc50.csv": _esc50,
    "metadata/UrbanSound8K.csv": _urbansound8k,
    "testing_list.txt": _speech_commands,
    "FSD50K.ground_truth/dev.csv": _fsd50k,
}
