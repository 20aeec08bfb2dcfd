"""The real `nnictl`, for tests: an experiment on loopback in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from tests.ports import free_port

ROOT = Path(__file__).parents[1]
WITHIN_S = 400
NNICTL = str(Path(sys.executable).with_name("nnictl"))
KIT = (sys.executable, "-m", "search_spaces")


class RealExperiment:
    """Runs one experiment from create to stop; `HOME` is the folder given."""

    def __init__(self, home: Path, config: dict[str, Any]) -> None:
        self.home = home
        self.path = home / "experiment.yml"
        self.path.write_text(yaml.safe_dump(config))
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "NNI_CONFIG_DIR": str(home / "config"),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "PYTHONWARNINGS": "ignore",
        }
        self.port = free_port()

    def command(self, *arguments: str) -> str:
        """What a command prints; it must succeed."""
        done = subprocess.run(
            arguments, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def __enter__(self) -> RealExperiment:
        create = ("nnictl", "create", "--config", str(self.path), "--port", str(self.port))
        self.command(*KIT, *create)
        (self.name,) = json.loads((self.home / "nni-experiments" / ".experiment").read_text())
        return self

    def __exit__(self, *_: object) -> None:
        self.command(NNICTL, "stop", self.name)

    @property
    def status(self) -> str:
        url = f"http://127.0.0.1:{self.port}/api/v1/nni/check-status"
        with urllib.request.urlopen(url) as answer:
            return json.load(answer)["status"]

    def wait(self) -> list[dict[str, Any]]:
        """Wait until all trials are done; gives the list of them, all succeeded."""
        until = time.monotonic() + WITHIN_S
        while self.status not in ("DONE", "ERROR") and time.monotonic() < until:
            time.sleep(1)
        said = [file.read_text() for file in self.home.rglob("trial.stderr")]
        said += [file.read_text()[-3000:] for file in self.home.rglob("dispatcher.log")]
        assert self.status == "DONE", said
        trials = json.loads(self.command(NNICTL, "trial", "ls", self.name))
        assert {trial["status"] for trial in trials} == {"SUCCEEDED"}, said
        return trials

    def export(self) -> list[dict[str, Any]]:
        """Results of all trials, as NNI exports them."""
        file = self.home / "export.json"
        arguments = ("experiment", "export", self.name, "-f", str(file), "-t", "json")
        self.command(NNICTL, *arguments)
        return [json.loads(trial["value"]) for trial in json.loads(file.read_text())]
