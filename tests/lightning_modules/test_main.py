"""`python -m lightning_modules`: how a command ends that is told to."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import soundfile


def test_sigterm_is_said_and_leaves_nothing_half_written(tmp_path: Path):
    command = ["-m", "lightning_modules", "speak", "--words", *map(str, range(10, 90))]
    process = subprocess.Popen(
        [sys.executable, *command, "--out", tmp_path / "words"], stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 120
        while not list(tmp_path.rglob("*.wav")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 143
    assert "terminated" in errors.splitlines()
    begun = {path.name for path in tmp_path.iterdir()}
    assert begun == {".words.part", ".words.part.json"}  # with which the same command goes on
    assert all(soundfile.info(path).frames for path in tmp_path.rglob("*.wav"))
