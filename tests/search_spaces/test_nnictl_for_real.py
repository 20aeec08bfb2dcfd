"""NNI itself, end to end: one of its NAS strategies over a space, a net per trial."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from search_spaces.architecture import Architecture
from search_spaces.frontier import read_frontier
from search_spaces.nni_space import search_space_of
from search_spaces.nnictl import MANAGER_SCRIPT
from search_spaces.spaces import get_space
from tests.nnictl import KIT, ROOT, WITHIN_S, RealExperiment

SHIPPED = MANAGER_SCRIPT.parent / "sam_architecture.yml"


@pytest.mark.timeout(WITHIN_S + 120)
def test_an_experiment_over_architectures(search_inputs: Path, tmp_path: Path):
    config = yaml.safe_load(SHIPPED.read_text())
    del config["searchSpaceFile"]
    config |= {
        "searchSpace": search_space_of(get_space("sam-nano")),
        "trialCommand": f"python -m search_spaces trial --checkpoint {search_inputs}/supernet.pt"
        " --max-params 14000 --ranking-clips 4 --calibration-clips 2 --winners 2",
        "trialCodeDirectory": str(ROOT),
        "maxTrialNumber": 3,
    }
    config["tuner"]["codeDirectory"] = str(ROOT)
    config["tuner"]["classArgs"] |= {"space": "sam-nano", "nets": 3}
    with RealExperiment(tmp_path, config) as experiment:
        assert len(experiment.wait()) == 3
        results = experiment.export()
    out = tmp_path / "best"
    experiment.command(*KIT, "best", "--experiment", experiment.name, "--out", str(out))
    frontier = read_frontier(out / "frontier.json")
    best = max(results, key=lambda result: result["default"])
    assert frontier.best.architecture == Architecture.from_json(best["architecture"])
    assert frontier.best.ranking_error == best["ranking_error"]
