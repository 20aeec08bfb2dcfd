"""A trial of NNI over the classes of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lightning_modules import cli, cli_errors, trial
from lightning_modules.datamodule_folder import FolderDataModule
from lightning_modules.module import SupernetModule
from search_spaces.nnictl import MANAGER_SCRIPT
from tests.lightning_modules.recording_folder import write_folder
from tests.lightning_modules.test_classes import CONFIG, arguments
from tests.lightning_modules.test_trial import SEARCH, Experiment

SPACE = MANAGER_SCRIPT.with_name("folder_space.yml")


def test_a_trial_of_classes_reports_epochs_and_its_frontier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = write_folder(tmp_path / "data")
    nni = Experiment(monkeypatch, {"model.random_subnets": 0, "model.sampling.kind": "progressive"})
    fit_options = arguments(root, tmp_path)[1:]
    at = fit_options.index("--trainer.default_root_dir")
    del fit_options[at : at + 2]  # the trial's own
    assert trial.main(["--out", str(tmp_path / "nni"), *SEARCH.split(), *fit_options]) == 0
    assert len(nni.intermediate) == 2
    for report in (*nni.intermediate, *nni.final):
        assert 0 <= report["default"] <= 1
        assert 0 <= report["error"] <= 1
        assert "level_error" not in report
    assert Path(nni.final[0]["frontier"]).is_file()


def test_every_parameter_of_the_space_of_classes_is_an_option_of_fit(tmp_path: Path):
    root = write_folder(tmp_path / "data")
    space = yaml.safe_load(SPACE.read_text())
    for end in (0, -1):
        parameters = {name: entry["_value"][end] for name, entry in space.items()}
        cli.AmbianceCLI(
            SupernetModule,
            FolderDataModule,
            parser_class=cli_errors.OneLineParser,
            seed_everything_default=0,
            auto_configure_optimizers=False,
            args=[
                *("--config", str(CONFIG), "--data.root", str(root)),
                *("--model.space", "sam-nano-1s", "--trainer.default_root_dir", str(tmp_path)),
                *trial.options_of(parameters),
            ],
            run=False,
        )
