import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lightning_modules import clips, mixtures_open
from lightning_modules.mixtures import Clip, Mixtures
from lightning_modules.mixtures_open import open_mixtures
from lightning_modules.rooms_bank import PLACES, RoomBank
from lightning_modules.sources_cache import open_speech
from lightning_modules.splits import split_readers
from search_spaces.errors import UserError


def make(speech: Path, out: Path, *more: str) -> int:
    return clips.main(["--speech", str(speech), "--out", str(out), "--count", "12", *more])


def test_clips_are_the_mixtures_with_their_truths(prepared_speech: Path, tmp_path: Path) -> None:
    assert make(prepared_speech, tmp_path / "clips", "--seed", "5") == 0
    with (tmp_path / "clips/clips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "count", "snr_db", "rt60_s", "level_dbfs", "protocol", "sexes"]
    mixtures = open_mixtures(open_speech(prepared_speech), "libricount", 5, "test")
    for index, row in enumerate(rows):
        clip = mixtures[index]
        samples, rate_hz = soundfile.read(tmp_path / "clips" / row["file"], dtype="int16")
        assert rate_hz == 16_000
        assert np.array_equal(samples, clip.samples)
        assert row["file"] == f"{int(clip.count)}_{index:06d}.wav"
        assert int(row["count"]) == clip.count
        assert (row["snr_db"] == "") == np.isnan(clip.snr_db)
        assert row["rt60_s"] == ""
    assert len(list((tmp_path / "clips").iterdir())) == 13
    assert len(list(tmp_path.iterdir())) == 1


def test_the_sexes_of_who_is_heard_are_those_of_the_table(
    speech_folder: Path, prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = split_readers(open_speech(prepared_speech).voices)["test"]
    table = {reader: "FM"[at % 2] for at, reader in enumerate(readers)}
    monkeypatch.setattr(clips, "sexes_of_readers", lambda speech: table)
    make(prepared_speech, tmp_path / "clips", "--protocol", "libricount")
    mixtures = open_mixtures(open_speech(prepared_speech), "libricount", 0, "test")
    with (tmp_path / "clips/clips.csv").open(newline="") as file:
        for index, row in enumerate(csv.DictReader(file)):
            heard = [table[readers[voice]] for voice in mixtures[index].voices]
            assert row["sexes"] == "".join(sorted(heard))
            assert len(row["sexes"]) == int(row["count"])


def test_splits_give_other_clips(prepared_speech: Path, tmp_path: Path) -> None:
    for split in ("train", "test"):
        make(prepared_speech, tmp_path / split, "--split", split)
    counts = [sorted(path.name for path in (tmp_path / s).iterdir()) for s in ("train", "test")]
    assert counts[0] != counts[1]


class Stopping(Mixtures):
    """Clips without speech; a kill comes before that of number ``at``."""

    def __init__(self, at: int | None) -> None:
        self.at, self.asked = at, []

    def __getitem__(self, index: int) -> Clip:
        self.asked.append(index)
        if index == self.at:
            raise KeyboardInterrupt
        return Clip(np.full(8, index, np.int16), index % 3, protocol="libricount")


@pytest.mark.parametrize("cut", ["", "2_00000", "2_000002.wav,2,,,,libricount"])
def test_a_killed_call_goes_on_with_the_clip_that_was_not_whole(tmp_path: Path, cut: str) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    clips.write_clips(Stopping(None), 5, whole, {})
    with pytest.raises(KeyboardInterrupt):
        clips.write_clips(Stopping(2), 5, killed, {})
    (killed / "2_000002.wav").write_bytes(b"RIFF")  # SIGKILL amid writing it, or its line
    with (killed / "clips.csv").open("a") as table:
        table.write(cut)
    rest = Stopping(None)
    clips.write_clips(rest, 5, killed, {})
    assert rest.asked == [2, 3, 4]
    for path in whole.iterdir():
        assert (killed / path.name).read_bytes() == path.read_bytes()


def test_only_the_same_options_go_on(
    prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, asked = tmp_path / "clips", []

    def stop(mixtures: Mixtures, number: int, folder: Path, sexes: object) -> None:
        asked.append(sorted(path.name for path in folder.iterdir()))
        (folder / "clips.csv").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(clips, "write_clips", stop)
    for options in (
        ["--seed", "5"],
        ["--seed", "5"],
        ["--seed", "6"],
        ["--protocol", "libricount"],
    ):
        with pytest.raises(KeyboardInterrupt):
            make(prepared_speech, out, *options)
        assert not out.exists()
    assert asked == [[], ["clips.csv"], [], []]


def test_each_clip_of_several_protocols_says_by_which_it_was_mixed(
    prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = RoomBank(np.ones((10, PLACES, 4), np.float16), np.full(10, 0.3, np.float32))
    monkeypatch.setattr(mixtures_open, "prepare_bank", lambda rooms, folder: bank)
    make(prepared_speech, tmp_path / "clips", "--protocol", "multicondition")
    with (tmp_path / "clips/clips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["protocol"] for row in rows} == {"libricount", "rooms"}
    assert all(row["protocol"] == "rooms" for row in rows if row["rt60_s"])


def test_bad_options_are_refused(prepared_speech: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/old.wav").touch()
    with pytest.raises(UserError, match="full exists and is not empty"):
        make(prepared_speech, tmp_path / "full")
    with pytest.raises(UserError, match="missing: no such folder"):
        make(tmp_path / "missing", tmp_path / "clips")
    with pytest.raises(UserError, match="invalid choice: 'party'"):
        make(prepared_speech, tmp_path / "clips", "--protocol", "party")
    with pytest.raises(UserError, match="got '0', expected a whole number, 1 or more"):
        make(prepared_speech, tmp_path / "clips", "--count", "0")
    with pytest.raises(UserError, match="rooms: 4, expected at least 10"):
        make(tmp_path / "missing", tmp_path / "clips", "--protocol", "rooms", "--rooms", "4")
