from __future__ import annotations

import csv
import os
import re
import shutil
from pathlib import Path

import pytest

from lightning_modules.recordings import class_names, read_recordings
from lightning_modules.recordings_budget import Budget, write_or_check, write_test_list
from lightning_modules.recordings_cache import prepare_sounds
from lightning_modules.recordings_item import Item
from search_spaces.errors import UserError
from tests.lightning_modules.recording_folder import write_folder, write_recording


def test_a_folder_per_class_with_speakers_and_unlabelled_recordings(tmp_path: Path):
    write_folder(tmp_path, speakers=["ann"], each=1)
    for name in ("loose.wav", "unlabelled/x.wav", ".hidden/x.wav", "high/direct.wav"):
        write_recording(tmp_path / name, 300)
    (tmp_path / "notes.txt").write_text("no audio")
    items = {item.name: item for item in read_recordings(tmp_path)}
    assert sorted(items) == [
        "high/ann/0.wav",
        "high/direct.wav",
        "loose.wav",
        "low/ann/0.wav",
        "middle/ann/0.wav",
        "unlabelled/x.wav",
    ]
    assert items["low/ann/0.wav"].labels == ("low",)
    assert items["low/ann/0.wav"].speaker == "ann"
    assert (items["high/direct.wav"].labels, items["high/direct.wav"].speaker) == (("high",), None)
    assert items["loose.wav"].labels == items["unlabelled/x.wav"].labels == ()


def write_csv(folder: Path, *rows: str) -> Path:
    write_recording(folder / "a.wav", 300)
    write_recording(folder / "b.wav", 500)
    (folder / "list.csv").write_text("\n".join(rows) + "\n")
    return folder / "list.csv"


def test_a_csv_with_stretches_speakers_splits_and_several_labels(tmp_path: Path):
    source = write_csv(
        tmp_path,
        "path,label,speaker,start_s,end_s,split",
        "a.wav,dog; door,ann,0.1,0.3,train",
        "a.wav,,,0.3,,",
        "b.wav,dog,bob,,,test",
    )
    first, second, third = read_recordings(source)
    assert first == Item(
        tmp_path / "a.wav", "a.wav#0.1-0.3", ("dog", "door"), "ann", 0.1, 0.3, "train"
    )
    assert (second.name, second.labels, second.speaker) == ("a.wav#0.3-", (), None)
    assert (third.name, third.end_s, third.split) == ("b.wav", None, "test")


def test_classes_that_are_numbers_are_in_their_order():
    names = class_names([Item(Path(), "", (label,)) for label in ("10", "9", "door", "2", "Bell")])
    assert names == ("2", "9", "10", "Bell", "door")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["file,label", "a.wav,x"], r"no column path in its first line; expected path,label\["),
        (["path,label", "c.wav,x"], r"line 2: no such file .*c.wav; paths are relative"),
        (["path;label", "a.wav;x"], r"separated by ';'; export it with commas between them"),
        (["path\tlabel", "a.wav\tx"], r"list.csv: its columns are separated by '\\t'; export it"),
        (["path,label,start_s", "a.wav,x,-1"], r"line 2: start_s '-1', expected seconds"),
        (["path,label,end_s", "a.wav,x,nan"], r"line 2: end_s 'nan', expected seconds"),
        (
            ["path,label,start_s,end_s", "a.wav,x,0.3,0.2"],
            r"line 2: end_s 0.2, expected more than start_s 0.3",
        ),
        (["path,label,snr_db", "a.wav,x,inf"], r"line 2: snr_db 'inf', expected a number of dB"),
        (["path,label,snr_db", "a.wav,x,loud"], r"line 2: snr_db 'loud', expected a number of dB"),
        (["path,label,split", "a.wav,x,dev"], r"split 'dev', expected train, validation, test or"),
        (["path,label", "a.wav,x", "a.wav,y"], r"line 3: a.wav is listed twice \(also line 2\)"),
        (
            ["path,label,split", "a.wav,x,train", "a.wav,x,test"],
            r"line 3: a.wav is in two splits \(also line 2\); keep one",
        ),
        (
            ["path,label", "a.wav,Dog bark", "b.wav,dog_bark"],
            r"classes 'Dog bark' and 'dog_bark' \(b.wav\) differ in spelling only",
        ),
        (
            ["path,label", "a.wav,caf\u00e9", "b.wav,cafe\u0301"],
            r"\(b.wav\) differ in spelling only; give them one name",
        ),
        (["path,label"], r"list.csv: lists no recording; add a line for each"),
        (
            ["path,label", 'a.wav,"x', "b.wav,y"],
            r"not a CSV in UTF-8 \(unexpected end of data\); c",
        ),
        (
            ["path,label,start_ms,end_ms", "a.wav,x,0,9"],
            r"'start_ms' .* did you mean start_s\? ren",
        ),
        (
            ["path,label,speaker_id", "a.wav,x,ann"],
            r"'speaker_id' .* did you mean speaker\? rename",
        ),
        (["path,label,label", "a.wav,x,y"], r"column label is in its first line twice; remove one"),
        (
            ["path,label,start_s,end_s", "a.wav,x,0,1,0,5"],
            r"line 2: has more fields than the first line \('0,5' is too much\); quote a field",
        ),
        (["path,label", "a.wav,x", " ,y"], r"line 3: path is empty; name a recording, or remove"),
        (["path,label", "a.wav,\x00\xff"], r"not a CSV in UTF-8|line 2"),
    ],
)
def test_a_bad_csv_is_refused_in_one_line(tmp_path: Path, rows: list[str], message: str):
    source = write_csv(tmp_path, *rows)
    if "\xff" in rows[-1]:
        source.write_bytes("\n".join(rows).encode("latin-1"))
    with pytest.raises(UserError, match=message):
        read_recordings(source)


def test_a_stretch_that_ends_behind_its_recording_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source = write_csv(
        tmp_path, "path,label,start_s,end_s", "a.wav,x,0.1,0.45", "b.wav,y,0.1,0.6"
    )  # 0.4 s each; ends may be rounded
    sounds = prepare_sounds(read_recordings(source), tmp_path / "cache", strict=False)
    assert [item.labels for item in sounds.items] == [("x",)]
    assert "b.wav#0.1-0.6: end_s 0.6, but the recording ends at 0.40 s" in capsys.readouterr().err


@pytest.mark.parametrize("spelling", ["./a.wav", "sub/../a.wav", "link.wav"])
def test_a_recording_is_listed_once_however_its_path_is_spelled(tmp_path: Path, spelling: str):
    source = write_csv(tmp_path, "path,label,split", "a.wav,x,train", f"{spelling},x,test")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    with pytest.raises(UserError, match=rf"line 3: {spelling} is in two splits \(also line 2\)"):
        read_recordings(source)


def test_empty_lines_of_a_table_are_passed_over(tmp_path: Path):
    source = write_csv(tmp_path, "path,label", "a.wav,x,,", ",", "b.wav,y", " , ", ",,,")
    assert [item.name for item in read_recordings(source)] == ["a.wav", "b.wav"]


def test_a_list_of_the_test_names_what_need_not_be_utf_8(tmp_path: Path):
    for label in (b"caf\xe9", b"door"):
        folder = tmp_path / os.fsdecode(label) / os.fsdecode(b"ann\xe9")
        folder.mkdir(parents=True)
        (folder / "a.wav").touch()
    items = read_recordings(tmp_path)
    write_test_list(tmp_path / "test.csv", items)
    listed = read_recordings(tmp_path / "test.csv")
    assert [(item.labels, item.speaker) for item in listed] == [
        (item.labels, item.speaker) for item in items
    ]
    source = tmp_path / "list.csv"
    source.write_bytes(b"path,label\ndoor/a.wav,caf\xe9\n")  # Excel's, of an older kind
    with pytest.raises(UserError, match=r"list.csv: not a CSV in UTF-8 \(.*export it anew"):
        read_recordings(source)


def test_a_list_of_the_test_names_what_holds_a_carriage_return(tmp_path: Path):
    for name in ("do\rg/a\r.wav", 'do\rg/"b".wav', "door/c.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    items = read_recordings(tmp_path)
    write_test_list(tmp_path / "test.csv", items)
    listed = read_recordings(tmp_path / "test.csv")
    assert {(item.path, item.labels) for item in listed} == {
        (item.path, item.labels) for item in items
    }
    budget = Budget([0, 1], [2], [])
    write_or_check(tmp_path / "labels.csv", items, budget)
    write_or_check(tmp_path / "labels.csv", items, budget)
    with (tmp_path / "labels.csv").open(newline="") as stream:
        assert [row["recording"] for row in csv.DictReader(stream)] == [i.name for i in items]


def test_a_class_whose_name_a_csv_would_change_is_refused(tmp_path: Path):
    for label in ("door ", "dog"):
        write_recording(tmp_path / label / "a.wav", 300)
    with pytest.raises(UserError, match=r"its name 'door ' begins or ends with a blank.*rename"):
        read_recordings(tmp_path)
    assert len(read_recordings(tmp_path, classes=False)) == 2


def test_recordings_of_kinds_that_are_not_looked_for_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_folder(tmp_path, pitches_hz={"low": 200, "high": 900}, each=1)
    read_recordings(tmp_path)
    assert capsys.readouterr().err == ""
    (tmp_path / "low" / "a.m4a").touch()
    read_recordings(tmp_path)
    said = "warning: root: .*/low/a.m4a: is audio of a kind that is not looked for"
    assert re.search(said, capsys.readouterr().err)


def test_a_class_without_recordings_is_not_passed_over(tmp_path: Path):
    write_folder(tmp_path / "root", pitches_hz={"low": 200, "high": 900}, each=1)
    elsewhere = tmp_path / "root" / "third"
    elsewhere.mkdir()
    (elsewhere / "a.m4a").write_bytes(b"")
    with pytest.raises(UserError, match=r"root/third: holds no wav, flac, mp3 or ogg file; conv"):
        read_recordings(tmp_path / "root")
    assert len(read_recordings(tmp_path / "root", classes=False)) == 10
    shutil.rmtree(elsewhere)
    elsewhere.symlink_to(tmp_path / "root" / "low", target_is_directory=True)
    with pytest.raises(UserError, match=r"root/third: is a link, which is not followed; copy the"):
        read_recordings(tmp_path / "root")
    elsewhere.unlink()
    speaker = tmp_path / "root" / "low" / "linked"
    speaker.symlink_to(tmp_path / "root" / "high", target_is_directory=True)
    for classes in (True, False):
        with pytest.raises(UserError, match=r"root/low/linked: is a link, which is not followed"):
            read_recordings(tmp_path / "root", classes=classes)
    speaker.unlink()
    write_recording(tmp_path / "root" / "a;b" / "1.wav", 300)
    with pytest.raises(UserError, match=r"root/a;b: ';' separates labels and cannot be in one; r"):
        read_recordings(tmp_path / "root")


def test_folders_that_are_no_classes_are_refused(tmp_path: Path):
    for name in ("train/yes/1.wav", "Test/yes/1.wav", "validation/no/1.wav"):
        write_recording(tmp_path / "splits" / name, 300)
    with pytest.raises(UserError, match=r"Test, train, validation look like splits, not classes"):
        read_recordings(tmp_path / "splits")
    for name in ("yes/1.wav", "no/1.wav", "Unlabeled/1.wav"):
        write_recording(tmp_path / "root" / name, 300)
    with pytest.raises(UserError, match=r"root/Unlabeled: would be a class; call it unlabelled if"):
        read_recordings(tmp_path / "root")
    write_recording(tmp_path / "word" / "test" / "1.wav", 300)
    write_recording(tmp_path / "word" / "rest" / "1.wav", 300)
    assert len(read_recordings(tmp_path / "word")) == 2


def test_an_empty_or_missing_folder_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"root: .*nowhere: no such folder or CSV"):
        read_recordings(tmp_path / "nowhere")
    with pytest.raises(UserError, match="holds no wav, flac, mp3 or ogg file"):
        read_recordings(tmp_path)
