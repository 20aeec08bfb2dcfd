from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import soundfile

from deploy.labelled_clips import (
    LIBRICOUNT,
    LabelledClip,
    clips_sha256,
    read_labelled_clips,
)
from lightning_modules import clips
from lightning_modules.sources_cache import open_speech
from lightning_modules.splits import split_readers
from search_spaces.errors import UserError


def write_clip(path: Path, value: float = 0.1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, [value] * 80_000, 16_000)
    return path


def write_csv(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_folder_s_names_hold_the_counts(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "10_x.wav")
    second = write_clip(tmp_path / "room/0_y_3.flac")
    assert read_labelled_clips(tmp_path) == [
        LabelledClip(first, "10_x.wav", 10),
        LabelledClip(second, "room/0_y_3.flac", 0),
    ]


def annotate(path: Path, *activity: list[list[int]]) -> None:
    speakers = [
        {"sex": "F", "activity": spans, "speaker_id": 1000 + at}
        for at, spans in enumerate(activity)
    ]
    path.with_suffix(".json").write_text(json.dumps(speakers))


def test_libricount_s_archive_is_read(tmp_path: Path) -> None:
    annotate(write_clip(tmp_path / "test" / "2_000.wav"), [[0, 51076], [51396, 80000]], [[0, 9]])
    annotate(write_clip(tmp_path / "test" / "0_001.wav"))
    clips = read_labelled_clips(tmp_path)
    assert [(clip.count, clip.protocol) for clip in clips] == [(0, LIBRICOUNT), (2, LIBRICOUNT)]
    assert [clip.sexes for clip in clips] == [None, "FF"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "1_a.json: not an annotation of LibriCount .*; unpack the archive anew"),
        ("[" * 10_000, "1_a.json: not an annotation of LibriCount"),
        ("[1]", "1_a.json: not an annotation of LibriCount"),
        ('{"speaker_id": 1}', "1_a.json: not an annotation of LibriCount"),
        ('[{"speaker_id": 1}]', "1_a.json: .* expected a list of speaker_id and activity"),
        ('[{"speaker_id": 1, "activity": [[5, 2]]}]', "1_a.json: .* expected a list of"),
        ("[]", "1_a.wav: the name says count 1, 1_a.json names 0 speakers; unpack"),
    ],
)
def test_a_damaged_annotation_is_named(tmp_path: Path, text: str, message: str) -> None:
    write_clip(tmp_path / "1_a.wav").with_suffix(".json").write_text(text)
    with pytest.raises(UserError, match=message):
        read_labelled_clips(tmp_path)


def test_clips_csv_adds_what_is_known(tmp_path: Path) -> None:
    write_clip(tmp_path / "2_a.wav")
    write_clip(tmp_path / "3_b.wav")
    write_csv(
        tmp_path / "clips.csv",
        "file,count,snr_db,rt60_s,level_dbfs,protocol\n2_a.wav,2,12.5,,-20,libricount\n",
    )
    first, second = read_labelled_clips(tmp_path)
    assert (first.snr_db, first.rt60_s, first.protocol) == (12.5, None, "libricount")
    assert (second.snr_db, second.protocol) == (None, None)


@pytest.mark.parametrize("column", ["file", "path"])
def test_a_csv_names_files_freely(tmp_path: Path, column: str) -> None:
    path = write_clip(tmp_path / "far/meeting one.wav")
    source = write_csv(
        tmp_path / "mine.csv", f"\ufeff{column},count,rt60_s\nfar/meeting one.wav,7,0.4,\n,,\n"
    )
    assert read_labelled_clips(source) == [LabelledClip(path, "far/meeting one.wav", 7, rt60_s=0.4)]


@pytest.mark.parametrize("protocol", ["libricount", "rooms"])
def test_the_kit_s_own_clips_are_read_with_the_sexes_of_all_who_are_heard(
    prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    table = dict.fromkeys(split_readers(open_speech(prepared_speech).voices)["test"], "F")
    monkeypatch.setattr(clips, "sexes_of_readers", lambda speech: table)
    options = ["--speech", str(prepared_speech), "--protocol", protocol, "--rooms", "10"]
    clips.main([*options, "--count", "12", "--out", str(tmp_path / "clips")])
    read = read_labelled_clips(tmp_path / "clips")
    heard = [(len(clip.sexes or ""), clip.count) for clip in read]
    assert all(number >= count for number, count in heard)
    assert any(number > count for number, count in heard) == (protocol == "rooms")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,people\n1_a.wav,1\n", "mine.csv: no column count in its first line"),
        ("", "mine.csv: no column file and count"),
        ("file,path,count\n", "mine.csv: columns file and path both name the clips; keep one"),
        ("file,count\n", "mine.csv: holds no clips"),
        ("file,count,count\n1_a.wav,1,1\n", "mine.csv: column count is in its first line twice"),
        ("file,count\n1_a.wav,1,5\n", "mine.csv line 2: has more fields than the first line ('5'"),
        ('file,count\n"1_a.wav,1\n', "mine.csv: not a CSV in UTF-8 (unexpected end of data)"),
        ("file,count\n1_a.wav,11\n", "mine.csv line 2: count '11', expected a whole number from 0"),
        ("file,count\n1_a.wav,1.5\n", "mine.csv line 2: count '1.5', expected a whole number"),
        ("file,count\nb.wav,1\n", "mine.csv line 2: no such file"),
        ("file,count\n1_a.wav,1\n1_a.wav,1\n", "mine.csv line 3: 1_a.wav is listed twice"),
        (
            "file,count\n1_a.wav,1\n../{}/1_a.wav,1\n",
            "/1_a.wav is listed twice (also line 2); keep one",
        ),
        (
            "file,count,sexes\n1_a.wav,1,female\n",
            "mine.csv line 2: sexes 'female', expected an F or M for each voice, or nothing",
        ),
        ("file,count,sexes\n2_b.wav,2,F\n", "mine.csv line 2: sexes 'F' of 2 voices; mend one"),
        ("file,count,rt60_s\n1_a.wav,1,-5\n", "mine.csv line 2: rt60_s -5, expected seconds from"),
        ("file,count,start_s,end_s\n1_a.wav,1,0,2\n", "column end_s would not be looked at: clips"),
        ("file,Count,count\n1_a.wav,1,1\n", "column 'Count' in its first line would not be look"),
        (
            "file,count,snr_db\n1_a.wav,1,loud\n",
            "mine.csv line 2: snr_db 'loud', expected a number",
        ),
    ],
)
def test_a_bad_csv_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    for name in ("1_a.wav", "2_b.wav"):
        write_clip(tmp_path / name)
    source = write_csv(tmp_path / "mine.csv", text.replace("{}", tmp_path.name))
    with pytest.raises(UserError, match=re.escape(message)):
        read_labelled_clips(source)


def test_a_csv_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes("file,count\nMünch.wav,1\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"mine\.csv: not a CSV in UTF-8"):
        read_labelled_clips(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.wav", "a.wav: no count in the name; rename it to <count>_<anything>.wav, e.g. 3_a.wav"),
        ("b.wav", "list the counts in a CSV, or give --segments"),
        ("-1_a.wav", "-1_a.wav: no count in the name"),
        ("11_a.wav", "11_a.wav: count '11', expected a whole number from 0 to 10"),
    ],
)
def test_a_bad_name_is_refused_with_the_mend(tmp_path: Path, name: str, message: str) -> None:
    write_clip(tmp_path / name)
    with pytest.raises(UserError, match=re.escape(message)):
        read_labelled_clips(tmp_path)


def test_a_name_that_contradicts_clips_csv_is_refused(tmp_path: Path) -> None:
    write_clip(tmp_path / "2_a.wav")
    write_csv(tmp_path / "clips.csv", "file,count\n2_a.wav,3\n")
    with pytest.raises(UserError, match=r"2_a\.wav: the name says count 2, clips\.csv says 3"):
        read_labelled_clips(tmp_path)


def test_no_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no audio file in this folder"):
        read_labelled_clips(tmp_path)
    with pytest.raises(UserError, match=r"none: no such file or folder; give a folder of clips"):
        read_labelled_clips(tmp_path / "none")


def test_the_digest_follows_bytes_and_counts_but_not_names(tmp_path: Path) -> None:
    a, b = write_clip(tmp_path / "1_a.wav", 0.1), write_clip(tmp_path / "1_b.wav", 0.2)
    clips = [LabelledClip(a, "a", 1), LabelledClip(b, "b", 2)]
    renamed = [LabelledClip(b, "x", 2), LabelledClip(a, "y", 1)]
    recounted = [LabelledClip(a, "a", 1), LabelledClip(b, "b", 3)]
    assert clips_sha256(clips) == clips_sha256(renamed)
    assert clips_sha256(clips) != clips_sha256(recounted)
