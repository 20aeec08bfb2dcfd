from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy import prediction_output
from deploy.prediction_output import FileOutput, open_output
from deploy.prediction_rows import Row
from search_spaces.errors import UserError

SETTINGS: dict[str, Any] = {"hop_samples": 80_000}


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three files; every finished one is noted at once."""
    monkeypatch.setattr(prediction_output, "JOURNAL_EVERY_S", 0.0)
    paths = [tmp_path / f"{name}.wav" for name in "abc"]
    for path in paths:
        path.write_text(path.name)
    return paths


def row(path: Path, count: int = 1) -> Row:
    return Row(str(path), 0.0, 5.0, count, 1, "one", 0.5)


def killed_after(
    done: int, out: Path, form: str, recordings: list[Path], settings: dict[str, Any] = SETTINGS
) -> None:
    """What a run leaves that was killed in the rows of the recording after ``done`` others."""
    output = FileOutput(out, form, recordings, settings)
    for path in recordings[:done]:
        output.write([row(path), row(path, 2)])
        output.finish(path, None)
    output.write([row(recordings[done], 9)])
    output._stream.close()  # as the system does, which also gives up the lock


def change_note(journal: Path, **fields: Any) -> None:
    journal.write_text(json.dumps({**json.loads(journal.read_text()), **fields}))


def finish(
    out: Path, form: str, recordings: list[Path], settings: dict[str, Any] = SETTINGS
) -> list[Path]:
    """A run to the end; the recordings that it heard."""
    with open_output(out, form, recordings, settings) as output:
        for path in output.remaining:
            output.write([row(path), row(path, 2)])
            output.finish(path, None)
        return output.remaining


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_killed_run_goes_on_to_the_same_bytes(
    tmp_path: Path, recordings: list[Path], form: str, done: int
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "rows"
    finish(whole, form, recordings)
    killed_after(done, out, form, recordings)
    assert not out.exists()
    assert finish(out, form, recordings) == recordings[done:]
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if "rows" in path.name) == ["rows"]


def test_the_old_file_stays_until_the_new_one_is_complete(
    tmp_path: Path, recordings: list[Path]
) -> None:
    out = tmp_path / "rows.csv"
    out.write_text("old")
    killed_after(1, out, "csv", recordings)
    assert out.read_text() == "old"
    finish(out, "csv", recordings)
    assert out.read_text().count(".wav") == 6


@pytest.mark.parametrize(
    "change",
    [
        *("recording", "settings", "order", "format", "rows", "journal", "list", "brackets"),
        *("negative", "many", "bytes", "said", "text"),  # of the journal's fields
    ],
)
def test_rows_of_anything_else_are_not_gone_on_with(
    tmp_path: Path, recordings: list[Path], change: str
) -> None:
    out, form, settings = tmp_path / "rows.csv", "csv", SETTINGS
    killed_after(2, out, form, recordings)
    if change == "recording":
        recordings[0].write_text("another sound")
    elif change == "settings":
        settings = {"hop_samples": 16_000}
    elif change == "order":
        recordings = recordings[::-1]
    elif change == "format":
        form = "json"
    elif change == "journal":
        (tmp_path / "rows.csv.part.json").write_text("{")
    elif change == "list":
        (tmp_path / "rows.csv.part.json").write_text("[]")
    elif change == "brackets":
        (tmp_path / "rows.csv.part.json").write_text("[" * 10_000)
    elif change == "negative":  # and the same digest as of all but one
        change_note(tmp_path / "rows.csv.part.json", done=-1)
    elif change == "many":
        change_note(tmp_path / "rows.csv.part.json", done=9)
        recordings = recordings[:2]
    elif change == "bytes":
        change_note(tmp_path / "rows.csv.part.json", bytes=-1)
    elif change == "said":
        change_note(tmp_path / "rows.csv.part.json", problems=[1])
    elif change == "text":
        change_note(tmp_path / "rows.csv.part.json", problems="abc")
    else:
        os.truncate(tmp_path / "rows.csv.part", 3)
    assert finish(out, form, recordings, settings) == recordings


def test_problems_of_recordings_that_are_done_are_said_again(
    tmp_path: Path, recordings: list[Path]
) -> None:
    output = FileOutput(tmp_path / "rows.csv", "csv", recordings, SETTINGS)
    output.finish(recordings[0], "a.wav: is empty")
    output._stream.close()
    with open_output(tmp_path / "rows.csv", "csv", recordings, SETTINGS) as again:
        assert again.problems == ["a.wav: is empty"]
        assert again.remaining == recordings[1:]


def test_a_link_stays_one_and_devices_are_streams(tmp_path: Path, recordings: list[Path]) -> None:
    (tmp_path / "rows.csv").touch()
    (tmp_path / "link.csv").symlink_to(tmp_path / "rows.csv")
    finish(tmp_path / "link.csv", "csv", recordings)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "rows.csv").read_text().count(".wav") == 6
    assert prediction_output._is_device(Path("/dev/stdout"))
    assert not prediction_output._is_device(tmp_path / "dev")


def test_two_processes_do_not_write_one_file(tmp_path: Path, recordings: list[Path]) -> None:
    out = tmp_path / "rows.csv"
    with (
        open_output(out, "csv", recordings, SETTINGS),
        pytest.raises(UserError, match=r"rows\.csv: another process is writing it; wait for that"),
    ):
        FileOutput(out, "csv", recordings, SETTINGS)


def test_a_file_that_another_process_finishes_meanwhile_stays(
    tmp_path: Path, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, lock = tmp_path / "rows.csv", fcntl.flock

    def finish_first(*arguments: Any) -> None:
        (tmp_path / "rows.csv.part").write_text("all rows")
        (tmp_path / "rows.csv.part").rename(out)
        lock(*arguments)

    monkeypatch.setattr(fcntl, "flock", finish_first)
    with pytest.raises(UserError, match=r"rows\.csv: another process is writing it; wait for that"):
        FileOutput(out, "csv", recordings, SETTINGS)
    assert out.read_text() == "all rows"


def test_standard_output_takes_every_row(
    recordings: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with open_output(None, "json", recordings, SETTINGS) as output:
        assert output.remaining == recordings
        output.write([row(recordings[0])])
        output.finish(recordings[0], "broken")
        assert output.problems == ["broken"]
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_standard_output_is_utf_8_whatever_the_locale(
    recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stdout)
    with open_output(None, "csv", recordings, SETTINGS) as output:
        output.write([row(Path("\u65e5.wav"))])
    assert "\u65e5.wav".encode() in stdout.buffer.getvalue()


@pytest.mark.parametrize("name", ["a\rb.wav", "a,b.wav", 'a"b.wav', "plain.wav"])
def test_any_name_comes_back_from_a_csv(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out.csv"
    finish(path, "csv", [Path(name)])
    with path.open(newline="") as stream:
        assert [line["file"] for line in csv.DictReader(stream)] == [name, name]
