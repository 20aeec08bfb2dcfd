import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks import folder
from benchmarks.folder import main, stage_seconds
from deploy.pipeline_state import COMMANDS_FILE


def _command(stage: str, seconds: float, exit_code: int | None = 0) -> dict:
    return {
        "stage": stage,
        "seconds": seconds,
        "argv": ["python"],
        "started": "2026-11-28T22:14:54+00:00",
        "versions": {},
        "exit_code": exit_code,
    }


def test_a_killed_command_counts_beside_the_one_that_ended_it():
    commands = [_command("fit", 60.0, None), _command("fit", 30.0), _command("search", 6.0)]
    assert stage_seconds(commands) == {"fit": 90.0, "search": 6.0}


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    for name in ("hum", "hiss"):
        (tmp_path / "root" / name).mkdir(parents=True)
        for take in range(3):
            soundfile.write(tmp_path / "root" / name / f"{take}.wav", np.zeros(800), 16_000)
    return tmp_path / "root"


def test_the_minutes_are_those_of_the_runs_commands(recordings, tmp_path, monkeypatch, capsys):
    called = []

    def run(arguments):
        called.append(arguments)
        commands = [_command("fit", 600.0), _command("lower", 60.0)]
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / COMMANDS_FILE).write_text("\n".join(map(json.dumps, commands)))
        return 0

    monkeypatch.setattr(folder, "deploy", run)
    out = tmp_path / "folder.json"
    arguments = ["--root", str(recordings), "--run", str(tmp_path / "run"), "--out", str(out)]
    assert main(arguments) == 0
    assert called == [
        ["run", "--scale", "folder", "--root", str(recordings), "--out", str(tmp_path / "run")]
    ]
    written = json.loads(out.read_text())
    assert written["command"] == f"python -m benchmarks.folder --root {recordings.name}"
    first, *stages = written["figures"]
    assert first["value"] == pytest.approx(11.0)
    assert first["name"].startswith("6 recordings, scale folder: ")
    assert [row["value"] for row in stages] == pytest.approx([10.0, 1.0])
    assert "of which lower: 1 min" in capsys.readouterr().out


def test_a_refused_run_is_not_timed(recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "deploy", lambda arguments: 2)
    out = tmp_path / "folder.json"
    assert main(["--root", str(recordings), "--out", str(out)]) == 2
    assert not out.exists()
