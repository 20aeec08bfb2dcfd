"""NNI itself, end to end: `nnictl` creates an experiment, runs two trials, exports and stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.frontier import read_frontier
from tests.lightning_modules.runs import smoke_arguments
from tests.nnictl import KIT, NNICTL, ROOT, WITHIN_S, RealExperiment


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


@pytest.mark.timeout(WITHIN_S + 120)
def test_an_experiment_from_create_to_its_winner(prepared_speech: Path, tmp_path: Path):
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
    with RealExperiment(tmp_path, config) as experiment:
        assert listening_addresses(experiment.port) == {"0100007F"}  # 127.0.0.1, nothing else
        assert len(experiment.wait()) == 2
        assert experiment.name in experiment.command(NNICTL, "experiment", "list")
        results = experiment.export()
    assert listening_addresses(experiment.port) == set()
    best = max(results, key=lambda result: result["default"])
    out = tmp_path / "best"
    experiment.command(*KIT, "best", "--experiment", experiment.name, "--out", str(out))
    assert read_frontier(out / "frontier.json").raw == read_frontier(Path(best["frontier"])).raw
