from __future__ import annotations

import json
from pathlib import Path

import pytest
from lightning.pytorch import Callback

from lightning_modules import cli, net_trial
from search_spaces.errors import UserError
from search_spaces.metrics import Estimate
from search_spaces.nnictl import MANAGER_SCRIPT, read_config
from search_spaces.task_classes import ClassesTask
from tests.lightning_modules.runs import smoke_arguments
from tests.lightning_modules.test_trial import Experiment

EXPERIMENT = MANAGER_SCRIPT.with_name("deepspectrum.yml")
PARAMETERS = {"model.pictures.cnn": "squeezenet1_1", "model.pictures.size": 32}


class Fitted:
    """What the trial asks of a `frontier.json`."""

    task = ClassesTask(("dog", "door"))

    def __init__(self, error: float | None) -> None:
        self.best = self
        self.judged = {"error": Estimate(error, 0.0, 1.0, 4)}


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stands in for `fit`: keeps its arguments, and writes a `frontier.json` of error 0.25."""
    seen: list[list[str]] = []

    def fit(arguments: list[str], callbacks: list[Callback]) -> int:
        seen.append(arguments)
        folder = arguments[arguments.index("--trainer.default_root_dir") + 1]
        Path(folder, "frontier.json").touch()
        return 0

    monkeypatch.setattr(cli, "main", fit)
    monkeypatch.setattr("search_spaces.frontier.read_frontier", lambda path: Fitted(0.25))
    return seen


def test_a_trial_reports_the_accuracy_of_its_net(
    fitted: list[list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    experiment = Experiment(monkeypatch, PARAMETERS)
    assert net_trial.main(["--out", str(tmp_path), "--data.root", "x"]) == 0
    (result,) = experiment.final
    folder = Path(result["frontier"]).parent
    assert (result["default"], result["error"]) == (0.75, 0.25)
    assert folder.parent == tmp_path / "exp"
    assert json.loads(capsys.readouterr().out) == result
    options = ["--data.root", "x", "--model.pictures.cnn=squeezenet1_1", "--model.pictures.size=32"]
    assert fitted == [["fit", *options, "--trainer.default_root_dir", str(folder)]]


def test_a_supernet_is_refused_before_it_is_trained(
    prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    Experiment(monkeypatch, {})
    with pytest.raises(UserError, match=r"^net-trial: these options train a supernet; give "):
        net_trial.main(["--out", str(tmp_path), *smoke_arguments(prepared_speech, tmp_path)])
    (folder,) = (tmp_path / "exp").iterdir()
    assert not (folder / "supernet.pt").exists()


def test_an_unknown_error_is_refused(
    fitted: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    Experiment(monkeypatch, {})
    monkeypatch.setattr("search_spaces.frontier.read_frontier", lambda path: Fitted(None))
    with pytest.raises(
        UserError, match=r"frontier.json: no validation clip's label settles the er"
    ):
        net_trial.main(["--out", str(tmp_path)])


def test_the_shipped_experiment_spans_24_nets_by_options_of_pictures():
    config, space = read_config(EXPERIMENT)
    assert "net-trial" in config["trialCommand"]
    nets = 1
    for name, choice in space.items():
        assert name.startswith("model.pictures.")
        nets *= len(choice["_value"])
    assert nets == config["maxTrialNumber"] == 24
