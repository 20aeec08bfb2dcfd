from __future__ import annotations

import re
from pathlib import Path

import pytest

from lightning_modules.recordings import read_recordings
from search_spaces.errors import UserError
from tests.lightning_modules.recording_folder import write_recording


def write(root: Path, *names: str) -> None:
    for name in names:
        write_recording(root / name, 300, seconds=0.1)


def rows(root: Path) -> list[tuple]:
    return [(x.name, x.labels, x.speaker, x.split) for x in read_recordings(root)]


def test_esc50(tmp_path: Path):
    write(tmp_path, "audio/1-100032-A-0.wav", "audio/4-7-A-1.wav", "audio/5-1-B-0.wav")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text(
        "filename,fold,target,category,esc10,src_file,take\n"
        "1-100032-A-0.wav,1,0,dog,True,100032,A\n"
        "4-7-A-1.wav,4,1,rooster,True,7,A\n"
        "5-1-B-0.wav,5,0,dog,True,1,B\n"
    )
    assert rows(tmp_path) == [
        ("audio/1-100032-A-0.wav", ("dog",), "100032", "train"),
        ("audio/4-7-A-1.wav", ("rooster",), "7", "validation"),
        ("audio/5-1-B-0.wav", ("dog",), "1", "test"),
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"1.wav,,dog,7", "esc50.csv line 2: fold is empty; copy the data set again"),
        (b"1.wav,x,dog,7", "esc50.csv line 2: fold 'x', expected a whole number from 1 to 5"),
        (b"1.wav,6,dog,7", "esc50.csv line 2: fold '6', expected a whole number from 1 to 5"),
        (b"1.wav,1", "esc50.csv line 2: category is empty; copy the data set again"),
        (b'"1.wav,1,dog,7', "esc50.csv: not a CSV in UTF-8 (unexpected end of data)"),
        (b"1.wav,1,d\xfcg,7", "esc50.csv: not a CSV in UTF-8 ('utf-8' codec"),
        (b"1.wav,1," + b"d" * 200_000 + b",7", "esc50.csv: not a CSV in UTF-8 (field larger than"),
    ],
)
def test_a_damaged_list_is_named_with_its_line(tmp_path: Path, row: bytes, message: str):
    write(tmp_path, "audio/1.wav")
    (tmp_path / "meta").mkdir()
    table = tmp_path / "meta" / "esc50.csv"
    table.write_bytes(b"\xef\xbb\xbffilename,fold,category,src_file\n1.wav,1,dog,7\n")
    assert rows(tmp_path) == [("audio/1.wav", ("dog",), "7", "train")]  # saved with a BOM
    table.write_bytes(b"filename,fold,category,src_file\n" + row + b"\n")
    with pytest.raises(UserError, match=re.escape(message)):
        read_recordings(tmp_path)


def test_a_recording_that_is_listed_twice_is_named(tmp_path: Path):
    write(tmp_path, "audio/1.wav")
    (tmp_path / "meta").mkdir()
    lines = ["filename,fold,category,src_file", *["1.wav,1,dog,7"] * 2]
    (tmp_path / "meta" / "esc50.csv").write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"lists audio/1\.wav twice; copy the data set again"):
        read_recordings(tmp_path)


def test_urbansound8k(tmp_path: Path):
    write(tmp_path, "audio/fold1/100032-3-0-0.wav", "audio/fold10/9-1-0-0.wav")
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "UrbanSound8K.csv").write_text(
        "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
        "100032-3-0-0.wav,100032,0.0,0.31,1,1,3,dog_bark\n"
        "9-1-0-0.wav,9,0.0,1.0,1,10,1,car_horn\n"
    )
    assert rows(tmp_path) == [
        ("audio/fold1/100032-3-0-0.wav", ("dog_bark",), "100032", "train"),
        ("audio/fold10/9-1-0-0.wav", ("car_horn",), "9", "test"),
    ]


def test_speech_commands(tmp_path: Path):
    write(tmp_path, "yes/0a7c_nohash_0.wav", "no/0b_nohash_1.wav", "no/0c_nohash_0.wav")
    write(tmp_path, "_background_noise_/pink_noise.wav")
    (tmp_path / "testing_list.txt").write_text("no/0b_nohash_1.wav\n")
    (tmp_path / "validation_list.txt").write_text("no/0c_nohash_0.wav\n")
    assert rows(tmp_path) == [
        ("_background_noise_/pink_noise.wav", (), None, "train"),
        ("no/0b_nohash_1.wav", ("no",), "0b", "test"),
        ("no/0c_nohash_0.wav", ("no",), "0c", "validation"),
        ("yes/0a7c_nohash_0.wav", ("yes",), "0a7c", "train"),
    ]
    (tmp_path / "testing_list.txt").write_bytes(b"no/\xfc.wav\n")
    with pytest.raises(UserError, match=r"testing_list.txt: not a text in UTF-8 \(.*; copy it"):
        read_recordings(tmp_path)
    (tmp_path / "testing_list.txt").write_text("no/gone.wav\n")
    with pytest.raises(UserError, match=r"lists no/gone.wav, which is not there; copy it again"):
        read_recordings(tmp_path)


def test_fsd50k(tmp_path: Path):
    write(tmp_path, "FSD50K.dev_audio/1.wav", "FSD50K.dev_audio/2.wav", "FSD50K.eval_audio/3.wav")
    truth = tmp_path / "FSD50K.ground_truth"
    truth.mkdir()
    (truth / "dev.csv").write_text(
        'fname,labels,mids,split\n1,"Bark,Dog","/m/1,/m/2",train\n2,Rain,/m/3,val\n'
    )
    (truth / "eval.csv").write_text('fname,labels,mids\n3,"Bark,Dog","/m/1,/m/2"\n')
    assert rows(tmp_path) == [
        ("FSD50K.dev_audio/1.wav", ("Bark", "Dog"), None, "train"),
        ("FSD50K.dev_audio/2.wav", ("Rain",), None, "validation"),
        ("FSD50K.eval_audio/3.wav", ("Bark", "Dog"), None, "test"),
    ]
    metadata = tmp_path / "FSD50K.metadata"
    metadata.mkdir()
    info = metadata / "dev_clips_info_FSD50K.json"
    info.write_text('{"1": {"title": "dog.wav", "uploader": "ann"}, "2": {"title": "rain"}}')
    (metadata / "eval_clips_info_FSD50K.json").write_text('{"3": {"uploader": "bob"}}')
    assert [item.speaker for item in read_recordings(tmp_path)] == ["ann", None, "bob"]
    info.write_text("[1]")
    with pytest.raises(UserError, match=r"dev_clips_info_FSD50K.json: field \$: "):
        read_recordings(tmp_path)
    info.unlink()
    (truth / "dev.csv").write_text("fname,labels\n1,Dog\n")
    with pytest.raises(UserError, match=r"dev.csv: no column split in its first line; expected"):
        read_recordings(tmp_path)
    (truth / "dev.csv").write_text("fname,labels,mids,split\n1,Dog,x,train\n2,Rain,y,test\n")
    with pytest.raises(UserError, match=r"dev.csv line 3: split 'test', expected train or val"):
        read_recordings(tmp_path)
    (truth / "dev.csv").write_text("fname,labels,mids,split\n9,Dog,x,train\n")
    with pytest.raises(UserError, match=r"9.wav: no such file, though the data set lists it"):
        read_recordings(tmp_path)


def test_spoken_digits(tmp_path: Path):
    write(tmp_path, "0_george_0.wav", "9_lucas_12.wav")
    assert rows(tmp_path) == [
        ("0_george_0.wav", ("0",), "george", None),
        ("9_lucas_12.wav", ("9",), "lucas", None),
    ]


def test_spoken_digits_are_found_in_a_clone_of_their_repository(tmp_path: Path):
    write(tmp_path, "recordings/0_george_0.wav")
    (tmp_path / "acquire_data").mkdir()  # holds programs
    assert rows(tmp_path) == [("0_george_0.wav", ("0",), "george", None)]


def test_a_suffix_in_capitals_is_read_too(tmp_path: Path):
    write(tmp_path / "digits", "0_george_0.wav", "3_theo_1.WAV")
    assert rows(tmp_path / "digits")[1] == ("3_theo_1.WAV", ("3",), "theo", None)
    write(tmp_path / "commands", "yes/0a7c_nohash_0.wav", "no/0b_nohash_0.WAV")
    (tmp_path / "commands" / "testing_list.txt").write_text("no/0b_nohash_0.WAV\n")
    assert ("no/0b_nohash_0.WAV", ("no",), "0b", "test") in rows(tmp_path / "commands")


def test_hidden_files_are_passed_over(tmp_path: Path):
    digits, commands = tmp_path / "digits", tmp_path / "commands"
    write(digits, "0_george_0.wav")
    write(commands, "yes/0a7c_nohash_0.wav")
    (commands / "testing_list.txt").write_text("")
    (commands / ".old").mkdir()
    for hidden in (
        digits / "._0_george_0.wav",
        commands / "yes" / "._0a7c_nohash_0.wav",
        commands / ".old" / "0b_nohash_0.wav",
    ):
        hidden.write_bytes(b"Mac OS X")
    assert rows(digits) == [("0_george_0.wav", ("0",), "george", None)]
    assert rows(commands) == [("yes/0a7c_nohash_0.wav", ("yes",), "0a7c", "train")]
