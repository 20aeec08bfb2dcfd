"""Evaluations in Weights & Biases: read back from the disk, with nothing private in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy.__main__ import build_parser
from deploy.bundle import read_bundle
from deploy.dashboard_panels import panels
from deploy.evaluate_classes import make_evaluation
from deploy.evaluation import make_evaluation as count_evaluation
from deploy.labelled_clips import LabelledClip
from deploy.wandb_bundle import bundle_artifact
from deploy.wandb_evaluation import CONFUSION, RECALL, figures, log_evaluation
from deploy.wandb_records import OfflineRun, read_runs
from lightning_modules.recordings_item import Item
from search_spaces.ambiance import AmbianceLevels
from search_spaces.task_classes import ClassesTask
from search_spaces.wandb_options import WandbOptions, read_wandb_options
from tests.deploy.logged_runs import holders_of, logged_keys
from tests.deploy.test_report_classes import ORIGIN
from tests.lightning_modules.recording_folder import write_folder
from tests.lightning_modules.runs import run
from tests.lightning_modules.test_classes import arguments


@pytest.fixture(scope="module")
def logged(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the logs of two trainings of classes and of two evaluations."""
    folder = tmp_path_factory.mktemp("logged")
    root = write_folder(folder / "data", speakers=("secretann", "secretbob", "secretcy"))
    flags = ["--wandb", "--wandb-group", "classes", "--wandb-dir", str(folder)]
    short = ["--trainer.max_steps", "2", "--data.steps_per_epoch", "2"]
    assert run(arguments(root, folder / "train", *short, *flags)) == 0
    alone = ["--model.architecture", "largest"]
    assert run(arguments(root, folder / "alone", *short, *alone, *flags)) == 0
    options = WandbOptions("offline", "p", "classes", folder)
    said = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.4, 0.6]])
    for several in (False, True):
        task = ClassesTask(("dog", "door"), several)
        labels = (("dog",), ("dog",), ("door",), ("door",))
        items = [Item(Path(), f"secret{n}.wav", x, "secretann") for n, x in enumerate(labels)]
        evaluation = make_evaluation(items, said, said, task, ORIGIN, with_rows=True)
        log_evaluation(options, read_bundle(bundle_path), evaluation)
    return folder


@pytest.fixture(scope="module")
def runs(logged: Path) -> list[OfflineRun]:
    return read_runs(logged)


def test_every_panel_of_classes_shows_what_is_logged(runs: list[OfflineRun]):
    for panel in panels("Classes"):
        for key in panel.keys:
            holders_of(key, panel, runs)


def test_every_panel_of_people_shows_what_is_logged():
    clips = [LabelledClip(Path(), "secret.wav", count) for count in (0, 1, 2)]
    evaluation = count_evaluation(
        clips,
        np.eye(11, dtype=np.float32)[[0, 1, 5]],
        np.zeros(3),
        AmbianceLevels(),
        ORIGIN,
        False,
        1.0,
    )
    told = figures(evaluation)
    assert {key for panel in panels("People") for key in panel.keys} <= told.keys()
    assert told["evaluate/level_error"] == pytest.approx(1 / 3)
    assert told["evaluate/mae"] == pytest.approx(1.0)


def test_recall_and_confusion_are_tables_with_intervals(runs: list[OfflineRun]):
    one, several = [each for each in runs if each.run["job_type"] == "evaluate"]
    assert one.summary["evaluate/error"] == 0.25
    assert one.summary["evaluate/error_low"] <= 0.25 <= one.summary["evaluate/error_high"]
    dog, door = one.table(RECALL)
    assert (dog["class"], dog["recordings"], dog["recall"]) == ("dog", 2, 0.5)
    assert dog["recall_low"] <= 0.5 <= dog["recall_high"]
    assert door["recall"] == 1.0
    assert [(row["true"], row["said"], row["recordings"]) for row in one.table(CONFUSION)] == [
        ("dog", "dog", 1),
        ("dog", "door", 1),
        ("door", "door", 2),
    ]
    assert several.table(RECALL)
    assert CONFUSION not in logged_keys(several)  # no one class is taken for another


def test_the_bundle_is_the_one_that_lower_made_with_sound(bundle_path: Path, tmp_path: Path):
    """W&B tells by the digest; the options are those of `lower`."""
    command = dict(build_parser("evaluate")._actions[-1].choices)["evaluate"]  # type: ignore[call-overload]
    given = command.parse_args(["--wandb", "--wandb-include", "vectors.bin"])
    options = read_wandb_options(given, tmp_path)
    assert options is not None
    bundle, task = read_bundle(bundle_path), ClassesTask(("dog", "door"))
    said = np.array([[0.9, 0.1], [0.3, 0.7]])
    items = [Item(Path(), f"{name}.wav", (name,)) for name in task.names]
    log_evaluation(options, bundle, make_evaluation(items, said, said, task, ORIGIN, False))
    (read,) = read_runs(tmp_path)[0].artifacts
    assert read.digest == bundle_artifact(bundle, ("vectors.bin",)).digest
    assert read.digest != bundle_artifact(bundle).digest


def test_no_recording_and_no_speaker_is_named(logged: Path):
    files = [path for path in (logged / "wandb").rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        assert b"secret" not in path.read_bytes(), path
