from __future__ import annotations

import argparse
import csv
import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from deploy import predict
from search_spaces.ambiance import AmbianceLevels
from search_spaces.errors import UserError, run_command
from tests.deploy.fakes import PeakBundle, PeakModel


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch) -> PeakBundle:
    fake = PeakBundle()
    monkeypatch.setattr(predict, "read_bundle", lambda path: fake)
    return fake


def parse(*arguments: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    predict.add_arguments(parser)
    return parser.parse_args([str(argument) for argument in arguments])


def write_sound(path: Path, *peaks: float, seconds: float = 5.0) -> Path:
    """One stretch of constant sound per peak."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = np.repeat(np.array(peaks), round(seconds * 16_000))
    soundfile.write(path, sound, 16_000)
    return path


def test_csv_has_exactly_these_columns_and_one_row_per_window(
    tmp_path: Path, bundle: PeakBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sound(tmp_path / "a, b.wav", 0.3, 0.0, 0.7)
    assert predict.run(parse(path)) == 0
    assert capsys.readouterr().out == (
        "file,start_s,end_s,count,level,level_name,probability\n"
        f'"{path}",0.000,5.000,3,2,some,0.9200\n'
        f'"{path}",5.000,10.000,0,0,none,0.9000\n'
        f'"{path}",10.000,15.000,7,3,active,0.9500\n'
    )


def test_json_is_one_array_with_one_row_per_line(
    tmp_path: Path, bundle: PeakBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sound(tmp_path / "a.wav", 0.1, 0.5, seconds=4.0)
    assert predict.run(parse("--format", "json", "--hop-s", "4", path)) == 0
    out = capsys.readouterr().out
    assert (out.splitlines()[0], out.splitlines()[-1]) == ("[", "]")
    first, second = json.loads(out)
    assert first == {
        "file": str(path),
        "start_s": 0.0,
        "end_s": 5.0,
        "count": 5,
        "level": 3,
        "level_name": "active",
        "probability": 0.95,
    }
    assert (second["start_s"], second["end_s"], second["count"]) == (4.0, 8.0, 5)


@pytest.mark.parametrize(("form", "expected"), [("csv", 1), ("json", 1)])
def test_output_without_a_row_is_still_a_file_of_its_format(
    tmp_path: Path, bundle: PeakBundle, form: str, expected: int
) -> None:
    out = tmp_path / "rows"
    assert predict.run(parse("--format", form, "--output", out, tmp_path / "none.wav")) == 2
    text = out.read_text()
    assert json.loads(text) == [] if form == "json" else text.count("\n") == expected


def test_unreadable_files_are_said_after_the_others_are_done(
    tmp_path: Path, bundle: PeakBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wav").write_text("no audio")
    write_sound(tmp_path / "in" / "deep" / "b.wav", 0.4)
    (tmp_path / "none").mkdir()

    exit_code = predict.run(parse(tmp_path / "lost.wav", tmp_path / "in", tmp_path / "none"))

    captured = capsys.readouterr()
    assert exit_code == 2
    (row,) = csv.DictReader(io.StringIO(captured.out))
    assert row["file"] == str(tmp_path / "in" / "deep" / "b.wav")
    lines = captured.err.splitlines()
    assert lines == [
        f"error: {tmp_path}/none: no audio file in this folder"
        " (looked for .wav, .flac, .mp3, .ogg)",
        f"error: {tmp_path}/lost.wav: no such file",
        f"error: {tmp_path}/in/a.wav: cannot be decoded, damaged or not audio (Format not"
        " recognised); copy it again or convert it to wav",
    ]


def test_a_recording_that_cannot_be_looked_at_stops_no_other(
    tmp_path: Path,
    bundle: PeakBundle,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    closed, long = tmp_path / "closed" / "a.wav", tmp_path / f"{'x' * 300}.wav"
    for path in (closed, tmp_path / "z.wav"):
        write_sound(path, 0.4)
    stat = Path.stat

    def entered(path: Path, **arguments: bool) -> os.stat_result:
        if path == closed:  # as in a folder that may not be entered; root may enter every one
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **arguments)

    monkeypatch.setattr(Path, "stat", entered)
    output = tmp_path / "rows.csv"
    assert predict.run(parse(long, tmp_path, "--output", output)) == 2
    (row,) = csv.DictReader(io.StringIO(output.read_text()))
    assert row["file"] == str(tmp_path / "z.wav")
    assert capsys.readouterr().err.splitlines() == [
        f"error: {long}: File name too long; make it readable, or leave it out",
        f"error: {closed}: Permission denied; make it readable, or leave it out",
    ]


def test_a_sound_longer_than_a_batch_is_heard_to_its_end(
    tmp_path: Path, bundle: PeakBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sound(
        tmp_path / "a.wav", *(0.1 * (second % 10) for second in range(75)), seconds=1
    )
    assert predict.run(parse("--hop-s", "1", path)) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [float(row["start_s"]) for row in rows] == [float(start) for start in range(71)]
    assert [int(row["count"]) for row in rows] == [
        max((start + ahead) % 10 for ahead in range(5)) for start in range(71)
    ]


def test_rows_before_a_fault_are_kept(
    tmp_path: Path, bundle: PeakBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = np.full(200 * 16_000, 0.2)
    sound[-1] = np.nan
    soundfile.write(tmp_path / "a.wav", sound, 16_000, subtype="FLOAT")
    assert predict.run(parse(tmp_path / "a.wav")) == 2
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) > 30
    assert "holds NaN or infinite samples" in captured.err


def test_sound_before_a_fault_is_heard_in_a_short_recording_too(
    tmp_path: Path, bundle: PeakBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = np.full(12 * 16_000, 0.2)
    sound[100_000] = np.inf
    soundfile.write(tmp_path / "a.wav", sound, 16_000, subtype="FLOAT")
    whole = write_sound(tmp_path / "b.wav", 0.2, 0.3, 0.4).read_bytes()
    (tmp_path / "b.wav").write_bytes(whole[: 44 + 2 * 100_000])
    assert predict.run(parse(tmp_path)) == 2
    captured = capsys.readouterr()
    assert [line.split(",")[1:4] for line in captured.out.splitlines()[1:]] == [
        ["0.000", "5.000", "2"],
        ["0.000", "5.000", "2"],
    ]
    assert "holds NaN or infinite samples" in captured.err
    assert "is truncated" in captured.err


def test_a_recording_is_not_written_over(tmp_path: Path, bundle: PeakBundle) -> None:
    path = write_sound(tmp_path / "a.wav", 0.1)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"^--output: .*a\.wav is one of the recordings; name anot"):
        predict.run(parse("--output", path, tmp_path))
    assert path.read_bytes() == before


def test_a_folder_that_is_missing_is_made_for_the_rows(tmp_path: Path, bundle: PeakBundle) -> None:
    path = write_sound(tmp_path / "a.wav", 0.1)
    assert predict.run(parse("--output", tmp_path / "new" / "rows.csv", path)) == 0
    assert (tmp_path / "new" / "rows.csv").read_text().count("a.wav") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", r"^--output: .* is a folder or a device; name a file"),
        ("a.wav/rows.csv", r"^--output: .*rows\.csv cannot be written \(Not a directory\)"),
        (
            "/proc/rows.csv",
            r"^/proc/.*: cannot be written \(No such .*\); choose another -",
        ),
    ],
)
def test_an_output_that_cannot_be_written_is_found_out_first(
    tmp_path: Path, bundle: PeakBundle, name: str, message: str
) -> None:
    path = write_sound(tmp_path / "a.wav", 0.1)
    with pytest.raises(UserError, match=message):
        predict.run(parse("--output", tmp_path / name, path))
    assert bundle.model.heard == 0


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.TSV", "rows.csv.gz"])
def test_a_csv_takes_no_name_of_another_format(
    tmp_path: Path, bundle: PeakBundle, name: str
) -> None:
    path = write_sound(tmp_path / "a.wav", 0.1)
    with pytest.raises(UserError, match=rf"^--output: .*{name} asks for a format that is not writ"):
        predict.run(parse("--output", tmp_path / name, path))
    assert bundle.model.heard == 0
    assert predict.run(parse("--output", tmp_path / name, "--format", "csv", path)) == 0


def test_names_in_another_encoding_and_pipes(
    tmp_path: Path, bundle: PeakBundle, capfd: pytest.CaptureFixture[str]
) -> None:
    named = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav"))
    write_sound(tmp_path / "a.wav", 0.1).rename(named)
    os.mkfifo(tmp_path / "pipe.wav")
    output = tmp_path / "rows.json"
    assert predict.run(parse("--output", output, named, tmp_path / "pipe.wav")) == 2
    (row,) = json.loads(output.read_text(errors="surrogateescape"))
    assert row["count"] == 1
    assert "pipe.wav: is a pipe or a device" in capfd.readouterr().err


@pytest.mark.parametrize("precision", [None, "fp32", "int8"])
def test_the_precision_asked_for_is_loaded(
    tmp_path: Path, bundle: PeakBundle, precision: str | None
) -> None:
    path = write_sound(tmp_path / "a.wav", 0.1)
    predict.run(parse(path, *(["--precision", precision] if precision else [])))
    assert bundle.loaded == [precision]


@pytest.mark.parametrize("hop", ["0", "-1", "nan", "inf", "3601"])
def test_a_hop_out_of_range_is_refused(tmp_path: Path, hop: str) -> None:
    with pytest.raises(UserError, match=r"--hop-s: got .*, expected 0\.1 to 3600 seconds"):
        predict.run(parse(tmp_path, f"--hop-s={hop}"))


def test_a_full_disk_is_one_line(
    tmp_path: Path, bundle: PeakBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = parse(write_sound(tmp_path / "a.wav", 0.1), "--output", "/dev/full")
    assert run_command(lambda: predict.run(arguments)) == 2
    assert capsys.readouterr().err == (
        "error: /dev/full: cannot be written (No space left on device);"
        " make room and run the same command again, or choose another --output\n"
    )


def test_the_level_of_a_row_follows_the_bundle_s_edges() -> None:
    listener = predict.Listener(PeakModel(), AmbianceLevels((3,), ("few", "many")))
    window = predict.Window(0.0, 5.0, np.full(80_000, 0.3, dtype=np.float32))
    (row,) = listener.rows(Path("a.wav"), [window])
    assert (row.count, row.level, row.level_name) == (3, 1, "many")


def _run_python(code: str, stdout: int) -> subprocess.Popen[bytes]:
    root = Path(__file__).parent.parent.parent
    environment = dict(os.environ, PYTHONPATH=str(root))
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=stdout, stderr=subprocess.PIPE, env=environment
    )


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    for number in range(40):
        write_sound(tmp_path / f"{number:03}.wav", 0.3)
    code = (
        "import sys; from deploy import predict; from tests.deploy.fakes import PeakBundle;"
        "from search_spaces.errors import run_command; from tests.deploy.test_predict import parse;"
        "predict.read_bundle = lambda path: PeakBundle();"
        f"sys.exit(run_command(lambda: predict.run(parse({str(tmp_path)!r}))))"
    )
    process = _run_python(code, subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b"file,start_s,end_s,count,level,level_name,probability\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


def test_a_killed_run_leaves_no_file_and_the_next_one_goes_on(
    tmp_path: Path, bundle: PeakBundle
) -> None:
    for name in ("a", "b"):
        write_sound(tmp_path / f"{name}.wav", 0.3, 0.4)
    arguments = [str(tmp_path / "a.wav"), str(tmp_path / "b.wav"), "--output"]
    out = str(tmp_path / "rows.csv")
    code = (
        "import os; from deploy import predict, prediction_output;"
        "from tests.deploy.fakes import PeakBundle; from tests.deploy.test_predict import parse;"
        "prediction_output.JOURNAL_EVERY_S = 0.0; bundle = PeakBundle(); model = bundle.model;"
        "run = model.run; predict.read_bundle = lambda path: bundle;"
        "model.run = lambda w: os.kill(os.getpid(), 9) if model.heard == 3 else run(w);"
        f"predict.run(parse(*{arguments}, {out!r}))"
    )
    assert _run_python(code, subprocess.DEVNULL).wait() == -9
    assert not Path(out).exists()

    assert predict.run(parse(*arguments, out)) == 0
    assert bundle.model.heard == 2  # those of the second file
    rows = list(csv.DictReader(io.StringIO(Path(out).read_text())))
    assert [Path(row["file"]).name for row in rows] == ["a.wav", "a.wav", "b.wav", "b.wav"]
