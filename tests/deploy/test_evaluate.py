from __future__ import annotations

import argparse
import errno
import json
import re
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import numpy as np
import pytest
import soundfile

from deploy import evaluate, evaluation
from deploy.evaluation import SCHEMA, read_evaluation
from deploy.labelled_clips import LabelledClip
from search_spaces.errors import UserError
from tests.deploy.fakes import PeakBundle, PeakModel


class EvaluatedBundle(PeakBundle):
    name = "net-fake"
    manifest: ClassVar[dict[str, Any]] = {"temperature": 1.0}

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        (path / "manifest.json").write_text("{}")


def parse(*arguments: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    return parser.parse_args([str(argument) for argument in arguments])


def write_clip(path: Path, peak: float, seconds: float = 5.0) -> Path:
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, np.full(round(seconds * 16_000), peak), 16_000)
    return path


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Five clips; `PeakModel` takes the second for 3 people and is right about the rest."""
    for name, peak in (("0_a", 0.0), ("1_b", 0.3), ("3_c", 0.3), ("7_d", 0.7), ("2_e", 0.2)):
        write_clip(tmp_path / "clips" / f"{name}.wav", peak)
    return tmp_path / "clips"


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluatedBundle:
    fake = EvaluatedBundle(tmp_path)
    monkeypatch.setattr(evaluate, "read_bundle", lambda path: fake)
    return fake


@pytest.mark.parametrize("full_at", ["write_confusion_plot", "write_json"])
def test_a_full_disk_leaves_evaluation_and_picture_of_one_kind(
    tmp_path: Path,
    clips: Path,
    bundle: EvaluatedBundle,
    monkeypatch: pytest.MonkeyPatch,
    full_at: str,
) -> None:
    def fill_up(path: Path, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(evaluation, full_at, fill_up)
    out = tmp_path / "out"
    out.mkdir()
    for name in ("evaluation.json", "confusion.png"):
        (out / name).write_text("of before")
    with pytest.raises(OSError, match="No space left") as error:
        evaluate.run(parse("--bundle", tmp_path, "--clips", clips, "--out", out))
    assert Path(error.value.filename).name in ("evaluation.json", "confusion.png")
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "evaluation.json": "of before",
        "confusion.png": "of before",
    }


def test_a_folder_of_clips_gives_evaluation_and_picture(
    tmp_path: Path, clips: Path, bundle: EvaluatedBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert evaluate.run(parse("--bundle", tmp_path, "--clips", clips, "--out", out)) == 0

    found = json.loads((out / "evaluation.json").read_text())
    jsonschema.validate(found, SCHEMA)
    assert found["metrics"]["level_error"]["value"] == pytest.approx(0.2)
    assert found["metrics"]["mae"]["value"] == pytest.approx(0.4)
    assert found["bundle"]["precision"] == "int8"
    assert found["clips"]["number"] == 5
    assert "rows" not in found
    assert "1_b" not in (out / "evaluation.json").read_text()
    assert (out / "confusion.png").read_bytes().startswith(b"\x89PNG")
    table = capsys.readouterr().out
    assert "net-fake (int8) on 5 clips" in table
    assert re.search(r"level error +20\.0 % +95 % interval 0\.0 % to 60\.0 %", table)


def test_a_csv_a_name_for_the_result_and_rows(
    tmp_path: Path, clips: Path, bundle: EvaluatedBundle
) -> None:
    (clips / "mine.csv").write_text("file,count,snr_db\n1_b.wav,3,12\n7_d.wav,7,20\n")
    out = tmp_path / "evaluations" / "net-fp32.json"
    arguments = ("--precision", "fp32", "--rows", "--clips", clips / "mine.csv", "--out", out)
    assert evaluate.run(parse("--bundle", tmp_path, *arguments)) == 0

    found = read_evaluation(out)
    assert bundle.loaded == ["fp32"]
    assert [row["file"] for row in found["rows"]] == ["1_b.wav", "7_d.wav"]
    assert found["metrics"]["exact_accuracy"]["value"] == 1.0
    assert len(found["by_snr_db"]) == 2
    assert out.with_suffix(".png").exists()


def test_recordings_with_segments_are_evaluated_window_by_window(
    tmp_path: Path, bundle: EvaluatedBundle
) -> None:
    write_clip(tmp_path / "meetings" / "m1.wav", 0.2, seconds=12.0)
    (tmp_path / "m1.rttm").write_text(
        "SPEAKER m1 1 0 9 <NA> <NA> A <NA>\nSPEAKER m1 1 2 2 <NA> <NA> B <NA>\n"
    )
    arguments = ("--clips", tmp_path / "meetings", "--segments", tmp_path / "m1.rttm")
    out = tmp_path / "out"
    assert evaluate.run(parse("--bundle", tmp_path, *arguments, "--rows", "--out", out)) == 0
    rows = read_evaluation(out / "evaluation.json")["rows"]
    assert [(row["file"], row["count"], row["predicted_count"]) for row in rows] == [
        ("m1.wav at 0 s", 2, 2),
        ("m1.wav at 5 s", 1, 2),
    ]


def test_the_input_level_is_that_of_the_sound_without_padding(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clips" / "1_a.wav", 0.1, seconds=2.0)
    silent = write_clip(tmp_path / "clips" / "0_b.wav", 0.0)
    _, dbfs = evaluate.hear(
        [LabelledClip(path, "1_a.wav", 1), LabelledClip(silent, "0_b.wav", 0)], PeakModel().run
    )
    assert dbfs[0] == pytest.approx(-20.0, abs=0.01)
    assert dbfs[1] == -np.inf


def test_a_clip_longer_than_a_window_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clips" / "1_a.wav", 0.1, seconds=12.0)
    with pytest.raises(
        UserError, match=r"1_a\.wav: longer than a clip of 5 s, .*; cut it, or give"
    ):
        evaluate.hear([LabelledClip(path, "1_a.wav", 1)], PeakModel().run)


def test_an_unreadable_clip_leaves_nothing_half_written(
    tmp_path: Path, clips: Path, bundle: EvaluatedBundle
) -> None:
    (clips / "9_z.wav").write_text("no audio")
    with pytest.raises(UserError, match=r"9_z\.wav: cannot be decoded"):
        evaluate.run(parse("--bundle", tmp_path, "--clips", clips, "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("clips/0_a.json", r"--out: .*0_a\.json is one of the files that are read; name another"),
        ("manifest.json", r"--out: .*manifest\.json is one of the files that are read"),
        ("clips/0_a.wav", r"--out: .*evaluation\.json cannot be written \(Not a directory\)"),
        ("folder.json", r"--out: .*folder\.json is a folder or a device; name a file"),
        ("picture.json", r"--out: .*picture\.png is a folder or a device; name a file"),
    ],
)
def test_an_output_that_must_not_be_is_found_out_before_a_clip_is_heard(
    tmp_path: Path, clips: Path, bundle: EvaluatedBundle, out: str, message: str
) -> None:
    (clips / "0_a.json").write_text("[]")  # who speaks when, as LibriCount has it
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "picture.png").mkdir()
    with pytest.raises(UserError, match=message):
        evaluate.run(parse("--bundle", tmp_path, "--clips", clips, "--out", tmp_path / out))
    assert bundle.model.heard == 0
    assert (clips / "0_a.json").read_text() == "[]"


def test_a_damaged_evaluation_is_named_with_its_field(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text('{"schema_version": 2}')
    with pytest.raises(UserError, match=r"evaluation\.json: field "):
        read_evaluation(tmp_path / "evaluation.json")
