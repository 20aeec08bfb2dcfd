from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lightning_modules import cli, cli_errors, trial
from lightning_modules.datamodule import AmbianceDataModule
from lightning_modules.module import SupernetModule
from search_spaces import nni_experiment
from search_spaces.errors import UserError
from search_spaces.nnictl import MANAGER_SCRIPT, read_config
from tests.lightning_modules.runs import smoke_arguments

SPACE = MANAGER_SCRIPT.with_name("sam_space.yml")
SEARCH = "--population 2 --generations 1 --winners 1 --ranking-clips 4 --calibration-clips 2"
PARAMETERS = {"model.optimisation.learning_rate": 0.002, "model.random_subnets": 1}


class Experiment:
    """Plays NNI: gives the parameters and keeps what is reported."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any]) -> None:
        self.intermediate: list[dict[str, Any]] = []
        self.final: list[dict[str, Any]] = []
        monkeypatch.setattr(nni_experiment, "next_parameters", lambda: parameters)
        monkeypatch.setattr(nni_experiment, "experiment_id", lambda: "exp")
        monkeypatch.setattr(nni_experiment, "report_intermediate", self.intermediate.append)
        monkeypatch.setattr(nni_experiment, "report_final", self.final.append)


def run_trial(speech: Path, out: Path) -> int:
    fit_options = smoke_arguments(speech, out)
    at = fit_options.index("--trainer.default_root_dir")
    del fit_options[at : at + 2]  # the trial's own
    return trial.main(["--out", str(out), *SEARCH.split(), *fit_options])


class StopAfterStep(Exception):
    """Stands for a kill."""


def test_a_trial_that_was_killed_goes_on_and_repeats_its_reports(
    prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = Experiment(monkeypatch, PARAMETERS)
    steps: list[int] = []
    log_step = SupernetModule._log_step

    def counted(module: SupernetModule, *args: Any) -> None:
        steps.append(module.global_step)
        if len(steps) == 9:  # four of the second epoch; checkpoints lie at every second step
            raise StopAfterStep
        log_step(module, *args)

    monkeypatch.setattr(SupernetModule, "_log_step", counted)
    with pytest.raises(StopAfterStep):
        run_trial(prepared_speech, tmp_path)
    assert len(first.intermediate) == 1
    assert first.final == []

    second = Experiment(monkeypatch, PARAMETERS)
    steps.clear()
    assert run_trial(prepared_speech, tmp_path) == 0
    assert steps == [8, 9]
    assert second.intermediate[0] == pytest.approx(first.intermediate[0], abs=1e-6)
    assert len(second.intermediate) == 2
    assert all(0 <= report["default"] <= 1 for report in second.intermediate)
    assert all(0 <= report["level_error"] <= 1 for report in second.intermediate)
    frontier = Path(second.final[0]["frontier"])
    assert frontier.is_file()
    assert frontier.parents[2] == tmp_path / "exp"
    assert 0 <= second.final[0]["default"] <= 1

    third = Experiment(monkeypatch, PARAMETERS)  # a tuner that asks for the same once more
    steps.clear()
    assert run_trial(prepared_speech, tmp_path) == 0
    assert steps == []
    assert third.intermediate == second.intermediate
    assert third.final == second.final


def test_every_parameter_of_the_shipped_space_is_an_option_of_fit(tmp_path: Path):
    config, space = read_config(MANAGER_SCRIPT.with_name("sam.yml"))
    assert config["searchSpaceFile"] == SPACE.name
    for end in (0, -1):
        parameters = {name: entry["_value"][end] for name, entry in space.items()}
        cli.AmbianceCLI(
            SupernetModule,
            AmbianceDataModule,
            parser_class=cli_errors.OneLineParser,
            seed_everything_default=0,
            auto_configure_optimizers=False,
            args=[
                *("--data.speech", "espeak", "--model.space", "sam-nano"),
                *("--trainer.default_root_dir", str(tmp_path)),
                *trial.options_of(parameters),
            ],
            run=False,
        )


def test_options_are_what_the_parser_reads_back():
    options = trial.options_of({"a.b": 0.5, "c": "x", "d": True, "e": 3})
    assert options == ["--a.b=0.5", "--c=x", "--d=true", "--e=3"]


def test_the_folder_follows_from_the_parameters_whatever_their_order():
    digest = trial.digest_of({"a": 1, "b": 2.5})
    assert digest == trial.digest_of(json.loads('{"b": 2.5, "a": 1}'))
    assert digest != trial.digest_of({"a": 1, "b": 2.6})


def test_a_parameter_that_fit_does_not_know_is_named(
    prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    Experiment(monkeypatch, {"model.learning_speed": 0.1})
    with pytest.raises(UserError, match=r"model\.learning_speed"):
        run_trial(prepared_speech, tmp_path)


def test_an_experiment_that_has_ended_gives_no_parameters(monkeypatch: pytest.MonkeyPatch):
    import nni

    monkeypatch.setattr(nni, "get_next_parameter", lambda: None)
    with pytest.raises(UserError, match="NNI gave no parameters; the experiment has ended"):
        nni_experiment.next_parameters()


def test_by_hand_there_are_no_parameters_and_no_experiment():
    assert nni_experiment.next_parameters() == {}
    assert nni_experiment.experiment_id() is None


def test_a_further_process_of_a_trial_is_refused_for_it_would_wait_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LOCAL_RANK", "1")
    refusal = pytest.raises(UserError, match=r"^trainer.devices: a trial trains in one process; ")
    with refusal, trial.sole_run(tmp_path):
        raise AssertionError("it ran")


def test_by_hand_other_options_need_another_folder_which_is_named(
    prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    Experiment(monkeypatch, {})
    options = ["--out", str(tmp_path), *SEARCH.split(), *smoke_arguments(prepared_speech, tmp_path)]
    options += ["--trainer.max_steps", "2"]
    trial.main(options)
    with pytest.raises(UserError, match=r"another run folder \(--trainer.*, of a trial --out\)$"):
        trial.main([*options, "--model.ema_decay", "0.5"])
