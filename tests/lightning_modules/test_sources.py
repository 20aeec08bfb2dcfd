from collections import Counter
from pathlib import Path

import pytest

from lightning_modules.sources import DEFAULT_VOICES, find_source
from lightning_modules.splits import split_of
from search_spaces.errors import UserError
from tests.conftest import write_voice


def test_reader_is_the_parent_folder(tmp_path: Path) -> None:
    for name in (
        "anna/a.wav",
        "anna/b.FLAC",
        "deep/er/bob/c.ogg",
        "anna/notes.txt",
        "x/.hidden.wav",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".trash").mkdir()
    (tmp_path / ".trash/d.wav").touch()
    source = find_source(str(tmp_path))
    assert [(item.reader, item.name) for item in source.recordings] == [
        ("anna", "anna/a.wav"),
        ("anna", "anna/b.FLAC"),
        ("bob", "deep/er/bob/c.ogg"),
    ]
    assert source.kind == "folder"


def test_librispeechs_reader_is_above_the_chapter(tmp_path: Path) -> None:
    for name in ("train-clean-100/19/198/19-198-0001.flac", "odd/198/7-198-0001.flac"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    readers = {item.name: item.reader for item in find_source(str(tmp_path)).recordings}
    assert readers["train-clean-100/19/198/19-198-0001.flac"] == "19"
    assert readers["odd/198/7-198-0001.flac"] == "198"  # not LibriSpeech's layout


@pytest.mark.parametrize("transcripts", [True, False])
def test_torchaudios_librispeech(tmp_path: Path, transcripts: bool) -> None:
    chapter = tmp_path / "LibriSpeech/dev-clean/84/121123"
    write_voice(chapter / "84-121123-0000.flac", seed=1, seconds=0.1)
    if transcripts:
        (chapter / "84-121123.trans.txt").write_text("84-121123-0000 GO DO YOU HEAR\n")
    source = find_source(f"librispeech:{tmp_path}/dev-clean")
    assert source.kind == "librispeech"
    assert [(item.reader, item.name) for item in source.recordings] == [
        ("84", "84/121123/84-121123-0000.flac")
    ]


def test_bad_sources_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for speech, expected in {
        str(tmp_path / "missing"): "missing: no such folder",
        str(tmp_path / "file"): "is a file, expected a folder",
        str(tmp_path / "empty"): "holds no wav, flac, mp3 or ogg file",
        "librispeech:/nowhere/dev-clean": "Dataset not found",
        "librispeech:/nowhere/other": "Invalid url 'other'",
        "espeak:many": "espeak:many: expected a number of voices from 2",
        "espeak:1": "espeak:1: expected a number of voices from 2",
    }.items():
        with pytest.raises(UserError, match=expected):
            find_source(speech)


def test_default_voices_give_ten_readers_to_each_split() -> None:
    readers = {item.reader for item in find_source("espeak").recordings}
    assert len(readers) == DEFAULT_VOICES
    assert min(Counter(map(split_of, readers)).values()) >= 10
