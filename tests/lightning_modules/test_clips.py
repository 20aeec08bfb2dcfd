import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lightning_modules import clips
from lightning_modules.mixtures import Clip, Mixtures
from lightning_modules.mixtures_open import open_mixtures
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


def test_nothing_half_written_after_an_interruption(tmp_path: Path) -> None:
    class Interrupting(Mixtures):
        def __init__(self) -> None:
            pass

        def __getitem__(self, index: int) -> Clip:
            if index == 3:
                raise KeyboardInterrupt
            return Clip(np.zeros(8, np.int16), 0)

    with pytest.raises(KeyboardInterrupt):
        clips.write_clips(Interrupting(), 5, "libricount", tmp_path / "clips", {})
    assert list(tmp_path.iterdir()) == []


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
