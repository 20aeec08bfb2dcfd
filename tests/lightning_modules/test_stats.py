from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from lightning_modules import stats
from tests.lightning_modules.recording_folder import write_folder, write_recording


def test_what_a_folder_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = write_folder(tmp_path / "data")
    write_recording(root / "unlabelled" / "x.wav", 300, seconds=2.0)
    (root / "low" / "ann" / "broken.wav").write_bytes(b"no audio")
    assert stats.main(["--root", str(root), "--cache", str(tmp_path / "cache")]) == 0
    captured = capsys.readouterr()
    assert "recordings   31 (1 unlabelled, 1 skipped)" in captured.out
    assert "half 0.40 s" in captured.out
    assert "speakers     5, 6 to 6 recordings each" in captured.out
    assert "high             10      0.1         5" in captured.out
    assert "leakage      none: no sound and no speaker of the test" in captured.out
    assert "skipped: " in captured.err
    assert "broken.wav: cannot be decoded" in captured.err


def test_copies_and_what_fit_would_refuse_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    root = write_folder(tmp_path / "data")
    shutil.copy(root / "low" / "ann" / "0.wav", root / "high" / "bob" / "copy.wav")
    stats.main(["--root", str(root), "--cache", str(tmp_path / "cache")])
    out = capsys.readouterr().out
    assert "duplicates   1\n  high/bob/copy.wav = low/ann/0.wav" in out
    assert "leakage      `fit` refuses this: root: high/bob/copy.wav and low/ann/0.wav" in out


def test_one_class_alone_is_said_to_be_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = write_folder(tmp_path / "data")
    for name in ("middle", "high"):
        shutil.rmtree(root / name)
    stats.main(["--root", str(root), "--cache", str(tmp_path / "cache")])
    assert "`fit` refuses this: root: holds only class 'low', expected" in capsys.readouterr().out


def test_a_class_of_which_nothing_can_be_used_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    root = write_folder(tmp_path / "data")
    (root / "broken").mkdir()
    (root / "broken" / "a.wav").write_bytes(b"no audio")
    assert stats.main(["--root", str(root), "--cache", str(tmp_path / "cache")]) == 0
    out = capsys.readouterr().out
    assert "broken            0      0.0         -" in out
    assert "`fit` refuses this: root: class 'broken': none of its recordings can be used" in out


def test_silence_is_measured_within_a_recording():
    tone = (3000 * np.sin(np.arange(16_000) / 5)).astype(np.int16)
    half = np.concatenate([tone, np.zeros(16_000, np.int16)])
    assert stats.silent_share(half) == pytest.approx(0.5, abs=0.01)
    assert stats.silent_share(np.zeros(16_000, np.int16)) == 1.0
