from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lightning_modules import scenes
from lightning_modules.datamodule_folder import FolderDataModule
from lightning_modules.recordings import read_recordings
from search_spaces.errors import UserError
from tests.lightning_modules.recording_folder import write_folder, write_recording


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("events") / "tones")


@pytest.fixture(scope="module")
def background(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("background")
    for number in range(4):
        write_recording(folder / f"{number}.wav", 50.0, seconds=3.0, seed=number)
    return folder


def make(events: Path, out: Path, *options: object) -> int:
    arguments = ["--events", events, "--out", out, "--cache", out.parent / "cache", *options]
    if "--count" not in options:
        arguments += ["--count", 20]
    if "--seconds" not in options:
        arguments += ["--seconds", 1]
    return scenes.main([str(argument) for argument in arguments])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_events_lie_where_the_table_says_at_the_ratio_that_it_says(events: Path, tmp_path: Path):
    assert make(events, tmp_path / "out", "--snr-db", 20, 20) == 0
    for row in rows(tmp_path / "out" / "scenes.csv"):
        sound, rate_hz = soundfile.read(tmp_path / "out" / row["path"])
        assert (rate_hz, len(sound)) == (16_000, 16_000)
        assert np.abs(sound).max() == pytest.approx(0.9, abs=1e-3)
        start, end = (round(16_000 * float(row[f"event_{end}_s"])) for end in ("start", "end"))
        inside, outside = sound[start:end], np.concatenate([sound[:start], sound[end:]])
        ratio_db = 10 * np.log10(np.mean(inside**2) / np.mean(outside**2))
        assert ratio_db == pytest.approx(20, abs=2.5)  # the noise has no even power
        assert row["snr_db"] == "20.00"
        assert row["event"].startswith(row["label"])
        assert row["background"] == ""


def test_splits_share_no_recording_and_training_reads_both_tables(
    events: Path, background: Path, tmp_path: Path
):
    out = tmp_path / "out"
    assert make(events, out, "--background", background, "--count", 60) == 0
    table = rows(out / "scenes.csv")
    assert [row["split"] for row in table[:10]] == [*["train"] * 7, "validation", *["test"] * 2]
    for column in ("speaker", "event", "background"):
        heard = {row[column]: set() for row in table}  # type: dict[str, set[str]]
        for row in table:
            heard[row[column]].add(row["split"])
        assert all(len(splits) == 1 for splits in heard.values())
    classes = [row["label"] for row in table if row["split"] == "test"]
    assert {classes.count(name) for name in set(classes)} == {4}
    for name, seconds in (("scenes.csv", 1.0), ("events.csv", 0.4)):
        data = FolderDataModule(
            str(out / name), space="sam-nano-1s", labels=str(tmp_path / name / "labels.csv"),
            cache=str(tmp_path / "cache"), num_workers=0,
        )  # fmt: skip
        data.setup()
        assert data.provenance()["split"] == {"train": 42, "validation": 6, "test": 12}
        assert data.provenance()["hours"] * 3600 == pytest.approx(60 * seconds, rel=0.1)
        test = read_recordings(tmp_path / name / "test_recordings.csv")
        assert all(item.snr_db is not None for item in test)


def test_a_killed_call_goes_on_and_more_scenes_keep_the_first(events: Path, tmp_path: Path):
    out = tmp_path / "out"
    make(events, out, "--count", 6)
    before = rows(out / "scenes.csv")
    sounds = {path: path.read_bytes() for path in (out / "audio").iterdir()}
    kept = out / "audio" / "000002.wav"
    at = kept.stat().st_mtime_ns
    (out / "audio" / "000003.wav").unlink()
    for number in range(3, 6):
        (out / "audio" / f".{number:06}.x.part.wav").touch()  # as a kill amid writing leaves
    make(events, out, "--count", 8)
    assert rows(out / "scenes.csv")[:6] == before
    assert all(path.read_bytes() == content for path, content in sounds.items())
    assert kept.stat().st_mtime_ns == at
    assert len(list((out / "audio").glob("0*.wav"))) == 8
    make(events, out, "--count", 8)
    with pytest.raises(UserError, match=r"--count 7: \S+out holds 8 scenes already; ask for at"):
        make(events, out, "--count", 7)
    assert len(rows(out / "scenes.csv")) == 8


def test_another_seed_makes_other_scenes_and_not_in_the_same_folder(events: Path, tmp_path: Path):
    make(events, tmp_path / "a", "--count", 1)
    make(events, tmp_path / "b", "--count", 1, "--seed", 1)
    first, other = (tmp_path / name / "audio" / "000000.wav" for name in ("a", "b"))
    assert first.read_bytes() != other.read_bytes()
    with pytest.raises(UserError, match=r"--out: \S+a holds scenes of seed 0, not 1; ask for the"):
        make(events, tmp_path / "a", "--seed", 1)


def test_a_silent_background_leaves_the_event_alone(events: Path, tmp_path: Path):
    for number in range(3):
        path = tmp_path / "silence" / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, np.zeros(16_000 + number), 16_000)
    make(events, tmp_path / "out", "--background", tmp_path / "silence", "--count", 1)
    sound, _ = soundfile.read(tmp_path / "out" / "audio" / "000000.wav")
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() == pytest.approx(0.9, abs=1e-3)
    for name in ("scenes.csv", "events.csv"):
        assert rows(tmp_path / "out" / name)[0]["snr_db"] == ""  # there is no such ratio
        assert read_recordings(tmp_path / "out" / name)[0].snr_db is None


def test_events_of_silence_alone_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = write_folder(tmp_path / "tones")
    soundfile.write(root / "low" / "ann" / "silent.wav", np.zeros(16_000), 16_000)
    make(root, tmp_path / "out", "--count", 1)
    assert "skipped: low/ann/silent.wav: holds nothing but silence" in capsys.readouterr().err
    (root / "quiet").mkdir()
    soundfile.write(root / "quiet" / "a.wav", np.zeros(16_001), 16_000)
    with pytest.raises(UserError, match="--events: class 'quiet': none of its recordings can be"):
        make(root, tmp_path / "other", "--count", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--snr-db", 9, 3], "--snr-db 9 3: expected two numbers of dB, from -100 to 100, the low"),
        (["--snr-db", "nan", 3], "--snr-db nan 3: expected two numbers of dB"),
        (["--seconds", 9], r"--seconds 9: expected 0.1 to 8 \(longer ones need --background\)"),
        (["--seconds", 61, "--background", "x"], "--seconds 61: expected 0.1 to 60$"),
        (["--count", 0], "argument --count: got '0', expected a whole number, 1 or more"),
        (["--background", "/no/such"], "--background: /no/such: no such folder or CSV"),
        (["--test-speakers", "zoe"], "--events: test_speakers: zoe: no such speaker"),
    ],
)
def test_bad_options_are_one_line(events: Path, tmp_path: Path, options: list[Any], message: str):
    with pytest.raises(UserError, match=message):
        make(events, tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_folders_that_cannot_serve_are_refused(events: Path, background: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"--events: .*nowhere: no such folder or CSV"):
        make(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(UserError, match="--events: no labelled recording is left for validation"):
        make(background, tmp_path / "out")
    write_recording(tmp_path / "two" / "a.wav", 60, seed=1)
    write_recording(tmp_path / "two" / "b.wav", 60, seed=2)
    with pytest.raises(UserError, match="--background: holds 2 different recordings, expected at"):
        make(events, tmp_path / "out", "--background", tmp_path / "two")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(UserError, match=r"--out: \S+mine exists and is not empty; name another"):
        make(events, tmp_path / "mine")
