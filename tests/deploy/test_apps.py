"""predict, evaluate and report on a real bundle, through the command line."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from deploy.__main__ import main
from deploy.bundle import read_bundle
from deploy.evaluation import read_evaluation


def write_noise(path: Path, seconds: float, rate_hz: int = 16_000) -> Path:
    path.parent.mkdir(exist_ok=True)
    noise = np.random.default_rng(0).normal(0, 0.1, round(seconds * rate_hz))
    soundfile.write(path, noise, rate_hz)
    return path


def test_predict_counts_with_a_real_bundle(
    bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_noise(tmp_path / "a.wav", 8.0, 44_100)
    assert main(["predict", "--bundle", str(bundle_path), "--precision", "fp32", str(path)]) == 0
    captured = capsys.readouterr()
    first, second = csv.DictReader(io.StringIO(captured.out))
    assert (first["start_s"], second["end_s"]) == ("0.000", "8.000")
    for row in (first, second):
        assert 0 <= int(row["count"]) <= 10
        assert 0.25 <= float(row["probability"]) <= 1.0
        assert row["level_name"] == read_bundle(bundle_path).levels.names[int(row["level"])]
    assert captured.err == ""


def test_a_changed_byte_is_refused_before_anything_is_written(
    bundle_copy: Callable[[], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = bundle_copy()
    model = bytearray((bundle / "model.pte").read_bytes())
    model[len(model) // 2] ^= 1
    (bundle / "model.pte").write_bytes(model)
    audio, out = write_noise(tmp_path / "a.wav", 5.0), tmp_path / "rows.csv"
    assert main(["predict", "--bundle", str(bundle), "--output", str(out), str(audio)]) == 2
    error = capsys.readouterr().err
    assert "model.pte: changed since it was lowered" in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_evaluation_and_report_of_a_real_bundle(bundle_path: Path, tmp_path: Path) -> None:
    for count in (0, 3):
        write_noise(tmp_path / "clips" / f"{count}_a.wav", 5.0)
    name = read_bundle(bundle_path).name
    run = tmp_path / "run"
    shutil.copytree(bundle_path, run / "bundles" / name)
    out = run / "evaluations" / f"{name}-fp32.json"
    arguments = ["--precision", "fp32", "--clips", str(tmp_path / "clips"), "--out", str(out)]
    assert main(["evaluate", "--bundle", str(bundle_path), *arguments]) == 0
    assert read_evaluation(out)["bundle"]["name"] == name

    assert main(["report", "--run", str(run)]) == 0

    html = (run / "report.html").read_text(encoding="utf-8")
    assert "<span>File</span>" in html
    assert f"{name} fp32" in html
