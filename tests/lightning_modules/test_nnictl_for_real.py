"""NNI itself, end to end: `nnictl` creates an experiment, runs two trials, exports and stops."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from search_spaces.frontier import read_frontier
from tests.lightning_modules.runs import smoke_arguments

ROOT = Path(__file__).parents[2]
WITHIN_S = 400


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HOME": str(tmp_path),
        "NNI_CONFIG_DIR": str(tmp_path / "config"),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
    }


def listening_addresses(port: int) -> set[str]:
    """Local addresses of the TCP listeners on ``port``, as the kernel writes them."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, number = local.split(":")
            if state == "0A" and int(number, 16) == port:
                found.add(address)
    return found


def status_of(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/nni/check-status") as answer:
        return json.load(answer)["status"]


@pytest.mark.timeout(WITHIN_S + 120)
def test_an_experiment_from_create_to_its_winner(
    prepared_speech: Path, tmp_path: Path, environment: dict[str, str]
):
    fit_options = smoke_arguments(prepared_speech, tmp_path, "--trainer.max_steps", "5")
    at = fit_options.index("--trainer.default_root_dir")
    del fit_options[at : at + 2]
    search = "--population 2 --generations 1 --winners 1 --ranking-clips 4 --calibration-clips 2"
    config = {
        "experimentName": "test",
        "searchSpace": {
            "model.optimisation.learning_rate": {"_type": "loguniform", "_value": [0.001, 0.01]}
        },
        "trialCommand": " ".join(
            ["python -m lightning_modules trial --out", str(tmp_path / "runs"), search]
            + [f"'{option}'" for option in fit_options]
        ),
        "trialCodeDirectory": str(ROOT),
        "trialConcurrency": 2,
        "maxTrialNumber": 2,
        "tuner": {"name": "TPE", "classArgs": {"optimize_mode": "maximize"}},
        "assessor": {"name": "Medianstop", "classArgs": {"optimize_mode": "maximize"}},
        "trainingService": {"platform": "local"},
    }
    path = tmp_path / "experiment.yml"
    path.write_text(yaml.safe_dump(config))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    def command(*arguments: str) -> str:
        done = subprocess.run(
            arguments, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    nnictl = str(Path(sys.executable).with_name("nnictl"))
    kit = (sys.executable, "-m", "search_spaces")
    command(*kit, "nnictl", "create", "--config", str(path), "--port", str(port))
    experiment = json.loads((tmp_path / "nni-experiments" / ".experiment").read_text())
    (name,) = experiment
    try:
        assert listening_addresses(port) == {"0100007F"}  # 127.0.0.1, and nothing else
        until = time.monotonic() + WITHIN_S
        while status_of(port) not in ("DONE", "ERROR") and time.monotonic() < until:
            time.sleep(1)
        said = [file.read_text() for file in tmp_path.rglob("trial.stderr")]
        assert status_of(port) == "DONE", said
        assert name in command(nnictl, "experiment", "list")
        trials = json.loads(command(nnictl, "trial", "ls", name))
        assert [trial["status"] for trial in trials] == ["SUCCEEDED"] * 2, said
        exported = tmp_path / "export.json"
        command(nnictl, "experiment", "export", name, "-f", str(exported), "-t", "json")
    finally:
        command(nnictl, "stop", name)
    assert listening_addresses(port) == set()
    results = [json.loads(trial["value"]) for trial in json.loads(exported.read_text())]
    best = max(results, key=lambda result: result["default"])
    command(*kit, "best", "--experiment", name, "--out", str(tmp_path / "best"))
    copied = read_frontier(tmp_path / "best" / "frontier.json")
    assert copied.raw == read_frontier(Path(best["frontier"])).raw
