"""Decoded recordings: what is decoded again when some join, leave or change, and what is kept."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lightning_modules import recordings_cache, recordings_parts
from lightning_modules.audio import Int16
from lightning_modules.recordings_cache import Sounds, load, load_each, prepare_sounds
from lightning_modules.recordings_item import Item
from search_spaces.errors import UserError
from tests.lightning_modules.recording_folder import write_recording


def write(folder: Path, *names: str) -> list[Item]:
    """Recordings whose pitch follows from their names."""
    items = []
    for name in names:
        seed = zlib.crc32(name.encode())
        write_recording(folder / name, 200 + seed % 1000, 0.1, seed)
        items.append(Item(folder / name, name, ("x",)))
    return items


def prepared(items: list[Item], tmp_path: Path) -> Sounds:
    return prepare_sounds(items, tmp_path / "cache", strict=False)


def kept(tmp_path: Path) -> set[Path]:
    return set((tmp_path / "cache" / "recordings").iterdir())


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded."""
    names: list[str] = []
    read_audio = recordings_cache.read_audio

    def noted(path: Path, **options: float) -> np.ndarray:
        names.append(path.name)
        return read_audio(path, **options)

    monkeypatch.setattr(recordings_cache, "read_audio", noted)
    return names


@pytest.fixture
def one_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings_cache, "bucket_of", lambda key: "00")


def names(number: int) -> list[str]:
    return [f"{at}.wav" for at in range(number)]


def test_dropping_strict_is_advised_where_that_helps(tmp_path: Path) -> None:
    items = write(tmp_path, "a.wav", "b.wav")
    (tmp_path / "a.wav").write_text("no audio")
    with pytest.raises(
        UserError, match=r"1 of 2 recordings .* mend or remove them, or drop strict"
    ):
        prepare_sounds(items, tmp_path / "cache", strict=True)
    with pytest.raises(UserError, match=r"1 of 1 recordings cannot be used .* mend them$"):
        prepared(items[:1], tmp_path)


def test_recordings_come_in_the_order_in_which_they_are_listed(tmp_path: Path) -> None:
    items = write(tmp_path, *names(30))
    (tmp_path / "7.wav").write_text("no audio")
    items.insert(20, Item(tmp_path / "3.wav", "3.wav#0.05-", ("x",), start_s=0.05))
    for _ in range(2):  # the second time from the cache
        found = prepared(items, tmp_path)
        assert found.items == [item for item in items if item.name != "7.wav"]
        assert len(found.skipped) == 1
        for item, sound in zip(found.items, found.samples, strict=True):
            assert np.array_equal(sound, load(item))
        assert len(set(found.digests)) == 30


def test_one_that_joins_or_changes_is_decoded_alone_and_its_part_replaced(
    tmp_path: Path, decoded: list[str]
) -> None:
    items = write(tmp_path, *names(300))  # more than there are buckets
    prepared(items, tmp_path)
    before = kept(tmp_path)
    decoded.clear()
    new = write(tmp_path, "0-new.wav")
    assert len(prepared([*new, *items], tmp_path).items) == 301
    assert decoded == ["0-new.wav"]
    there = kept(tmp_path)
    assert len(there - before) == 2
    assert len(before - there) in (0, 2)  # none where it is alone in its bucket
    decoded.clear()
    write_recording(items[5].path, 999)
    found = prepared([*new, *items], tmp_path)
    assert decoded == ["5.wav"]
    assert np.array_equal(found.samples[6], load(items[5]))
    assert len(kept(tmp_path)) == len(there)


def test_a_file_is_decoded_once_for_the_stretches_of_it_that_follow_each_other(
    tmp_path: Path, decoded: list[str]
) -> None:
    whole, other = write(tmp_path, "a.wav", "b.wav")
    items = [replace(whole, start_s=start_s) for start_s in (0.0, 0.02, 0.04)]
    items.append(other)
    sounds = list(load_each(items))
    assert decoded == ["a.wav", "b.wav"]
    for item, sound in zip(items, sounds, strict=True):
        assert np.array_equal(sound, load(item))


def test_the_sound_of_one_that_left_is_forgotten(
    tmp_path: Path, decoded: list[str], one_bucket: None
) -> None:
    items = write(tmp_path, *names(4))
    sound = prepared(items, tmp_path).samples[1].tobytes()
    items[1].path.unlink()
    decoded.clear()
    found = prepared([items[0], *items[2:]], tmp_path)
    assert [item.name for item in found.items] == ["0.wav", "2.wav", "3.wav"]
    assert not decoded
    assert len(kept(tmp_path)) == 2
    assert not any(sound in path.read_bytes() for path in kept(tmp_path))


def test_lists_of_the_same_files_share_what_is_decoded(
    tmp_path: Path, decoded: list[str], one_bucket: None
) -> None:
    items = write(tmp_path, *names(4))
    prepared(items, tmp_path)
    whole = kept(tmp_path)
    decoded.clear()
    for some in (items[1:3], items[::-1], items):
        assert prepared(some, tmp_path).items == some
    assert not decoded
    assert kept(tmp_path) == whole


def test_a_part_of_other_files_is_left_alone(tmp_path: Path, one_bucket: None) -> None:
    others = write(tmp_path / "usb", *names(2))
    prepared(others, tmp_path)
    before = kept(tmp_path)
    (tmp_path / "usb").rename(tmp_path / "unplugged")
    prepared(write(tmp_path, "a.wav"), tmp_path)
    assert before < kept(tmp_path)


def test_memory_holds_one_recording_of_a_part_at_a_time(
    tmp_path: Path, decoded: list[str], one_bucket: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_npy, waiting = recordings_parts.write_npy, []

    def written(path: Path, pieces: Iterable[Int16]) -> int:
        def one_by_one() -> Iterator[Int16]:
            for number, piece in enumerate(pieces, start=1):
                waiting.append(len(decoded) - number)
                yield piece

        return write_npy(path, one_by_one())

    monkeypatch.setattr(recordings_parts, "write_npy", written)
    prepared(write(tmp_path, *names(5)), tmp_path)
    assert waiting == [0] * 5


def test_stretches_of_a_file_are_decoded_at_once(tmp_path: Path, decoded: list[str]) -> None:
    (item,) = write(tmp_path, "a.wav")
    stretches = [
        Item(item.path, f"a.wav#{start}", ("x",), start_s=start, end_s=start + 0.05)
        for start in (0.0, 0.04)
    ]
    assert [len(sound) for sound in prepared(stretches, tmp_path).samples] == [800, 800]
    assert decoded == ["a.wav"]


def test_killed_it_goes_on_with_the_parts_that_are_missing(
    tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings_cache.os, "cpu_count", lambda: 1)
    items = write(tmp_path, *names(10))
    read_audio = recordings_cache.read_audio

    def deadly(path: Path, **options: float) -> np.ndarray:
        if len(decoded) == 4:
            raise KeyboardInterrupt
        return read_audio(path, **options)

    monkeypatch.setattr(recordings_cache, "read_audio", deadly)
    with pytest.raises(KeyboardInterrupt):
        prepared(items, tmp_path)
    done = len(decoded)
    monkeypatch.setattr(recordings_cache, "read_audio", read_audio)
    assert len(prepared(items, tmp_path).items) == 10
    assert done >= 4
    assert len(decoded) <= 11  # what the killed part had decoded is decoded again
    assert not [path for path in kept(tmp_path) if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("suffix", "content"),
    [(".npy", b"?"), (".npy", None), (".json", b"[[1]]"), (".json", b"?"), (".json", b"[7]")],
)
def test_a_damaged_part_is_named_and_made_anew_when_deleted(
    tmp_path: Path, suffix: str, content: bytes | None
) -> None:
    items = write(tmp_path, "a.wav")
    prepared(items, tmp_path)
    (path,) = (path for path in kept(tmp_path) if path.suffix == suffix)
    if content is None:
        np.save(path, np.zeros(3, np.int16))
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{path.name}: .*damaged; delete it, it is made anew"):
        prepared(items, tmp_path)
    path.unlink()
    assert np.array_equal(prepared(items, tmp_path).samples[0], load(items[0]))


def test_odd_names_are_only_names(tmp_path: Path) -> None:
    items = write(tmp_path, *names(2))
    odd = items[0].path.rename(tmp_path / os.fsdecode(b"a \xff.wav"))
    items[0] = Item(odd, odd.name, ("x",))
    for _ in range(2):
        assert prepared(items, tmp_path).items == items


def test_more_parts_than_a_shell_may_open_files(tmp_path: Path, few_files: None) -> None:
    items = write(tmp_path, *names(120))
    assert len(prepared(items, tmp_path).items) == 120
