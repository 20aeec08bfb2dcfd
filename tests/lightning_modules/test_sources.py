from collections import Counter
from pathlib import Path

import pytest

from lightning_modules.sources import (
    DEFAULT_VOICES,
    find_source,
    warn_of_remarks,
)
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


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("19/198/19_198_000000_000000.wav", "19"),  # LibriTTS
        ("10148/10119/10148_10119_000000.flac", "10148"),  # MLS
        ("19/198/19_198-000000.wav", "198"),
        ("19/198/20_198_000000_000000.wav", "198"),
    ],
)
def test_readers_of_the_corpora_like_librispeech_are_above_the_chapter_too(
    tmp_path: Path, name: str, reader: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    assert [item.reader for item in find_source(str(tmp_path)).recordings] == [reader]


def test_what_is_passed_by_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.wav").touch()
    (tmp_path / "speech").mkdir()
    (tmp_path / "speech/anna").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(UserError, match=r"holds no wav, .*speech/anna: is a link .* not followed"):
        find_source(str(tmp_path / "speech"))
    (tmp_path / "speech/bob").mkdir()
    (tmp_path / "speech/bob/b.wav").touch()
    (tmp_path / "speech/bob/c.m4a").touch()
    source = find_source(str(tmp_path / "speech"))
    assert len(source.recordings) == 1
    warn_of_remarks(source, "speech")
    said = capsys.readouterr().err
    assert "speech/anna: is a link to a folder, not followed (1 such in all); " in said
    assert "speech/bob/c.m4a: is audio of a kind that is not looked for (1 such in all);" in said


def test_folders_of_one_name_are_said_to_be_one_reader(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ann/monday/a.wav", "ann/monday/b.wav", "ann/tuesday/a.wav", "19/7/19-7-1.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    warn_of_remarks(find_source(str(tmp_path)), "speech")
    assert capsys.readouterr().err == ""
    (tmp_path / "bob/monday").mkdir(parents=True)
    (tmp_path / "bob/monday/a.wav").touch()
    warn_of_remarks(find_source(str(tmp_path)), "speech")
    said = capsys.readouterr().err
    assert "ann/monday and" in said
    assert "bob/monday are taken for one reader (1 such in all); if they are two people" in said


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
