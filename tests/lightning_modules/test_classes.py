"""`task: classes` from a folder to a searched net, in the smallest size."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from lightning_modules.cli import task_of
from lightning_modules.datamodule_folder import FolderDataModule
from lightning_modules.recordings import read_recordings
from search_spaces.ambiance import AmbianceLevels
from search_spaces.budget import Budget
from search_spaces.clips_file import read_clips
from search_spaces.errors import UserError
from search_spaces.frontier import load_winner, read_frontier
from search_spaces.search import search
from search_spaces.search_setup import SearchFiles, SearchSize
from search_spaces.supernet_file import read_supernet
from search_spaces.task_classes import ClassesTask
from tests.lightning_modules.recording_folder import (
    PITCHES_HZ,
    open_folder,
    write_folder,
    write_recording,
)
from tests.lightning_modules.runs import metrics, run

CONFIG = Path(__file__).parents[2] / "lightning_modules" / "configs" / "folder.yaml"
NAMES = ("high", "low", "middle")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("recordings") / "data")


def arguments(root: Path, folder: Path, *options: str) -> list[str]:
    return [
        *("fit", "--config", str(CONFIG), "--data.root", str(root)),
        *("--data.cache", str(root.parent / "cache"), "--model.space", "sam-nano-1s"),
        *("--trainer.default_root_dir", str(folder), "--trainer.enable_progress_bar", "false"),
        *("--trainer.max_steps", "6", "--trainer.log_every_n_steps", "1"),
        *("--data.steps_per_epoch", "3", "--data.num_workers", "0"),
        *("--data.labelled_batch_size", "6", "--data.unlabelled_batch_size", "6"),
        *("--trainer.callbacks", "[]"),
        *("--trainer.callbacks+=lightning_modules.checkpoints.RunCheckpoint",),
        *("--trainer.callbacks.every_n_train_steps", "2"),
        *("--trainer.callbacks+=lightning_modules.export.ExportSupernet",),
        *("--trainer.callbacks.calibration_clips", "4"),
        *options,
    ]


@pytest.fixture(scope="module")
def trained(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    errors = folder / "errors.txt"
    assert run(arguments(recordings, folder), errors=errors) == 0, errors.read_text()
    return folder


def test_clips_that_calibrate_are_of_all_classes(recordings: Path, tmp_path: Path):
    data = FolderDataModule(
        str(recordings), "sam-nano-1s", cache=str(tmp_path), labels=str(tmp_path / "labels.csv")
    )
    data.setup("fit")  # every label is seen, so that no recording is unlabelled
    loudest_hz = abs(np.fft.rfft(data.calibration_clips(9))).argmax(axis=1)  # of clips of 1 s
    assert {int(round(hz, -2)) for hz in loudest_hz} == set(PITCHES_HZ.values())


def test_a_folder_is_all_that_training_needs(trained: Path):
    rows = metrics(trained)
    assert [int(row["step"]) for row in rows] == list(range(6))
    assert all(float(row["train/labelled"]) >= 0 for row in rows)
    assert 0 <= float(rows[-1]["val/error/largest"]) <= 1
    found = read_supernet(trained / "supernet.pt")
    assert found.task == ClassesTask(NAMES)
    assert found.supernet.num_outputs == 3
    assert found.training["recordings"] == 30
    assert found.training["test_by_speaker"] is True
    assert read_clips(trained / "clips.npz").samples == 16_000
    said = (trained / "errors.txt").read_text()
    assert "data: 30 recordings: train" in said
    assert "data: 3 classes: high, low, middle\n" in said


def test_the_test_is_listed_and_judged(trained: Path, recordings: Path):
    listed = read_recordings(trained / "test_recordings.csv")
    assert len({item.speaker for item in listed}) == 1
    assert run(["test", *arguments(recordings, trained)[1:]]) == 0
    assert "test/error_low/largest" in (trained / "test.csv").read_text()


def test_a_killed_run_goes_on_to_the_same_losses(trained: Path, recordings: Path, tmp_path: Path):
    assert run(arguments(recordings, tmp_path), ("training step", 4)) == -9
    assert run(arguments(recordings, tmp_path)) == 0
    assert metrics(tmp_path) == metrics(trained)


def test_a_checkpoint_of_other_classes_is_refused(trained: Path, recordings: Path, tmp_path: Path):
    shutil.copytree(trained, tmp_path / "run")
    other = shutil.copytree(recordings, tmp_path / "data")
    (other / "low").rename(other / "deep")
    (tmp_path / "run" / "labels.csv").unlink()
    errors = tmp_path / "errors.txt"
    assert run(arguments(other, tmp_path / "run"), errors=errors) == 2
    assert "checkpoint: " in errors.read_text()


def test_search_ranks_and_judges_by_classes(trained: Path, tmp_path: Path):
    value = search(
        SearchFiles(trained / "supernet.pt", trained / "clips.npz", None, tmp_path),
        Budget(max_params=6000),
        AmbianceLevels(),
        SearchSize(population=4, generations=1, winners=1, calibration_clips=4),
        seed=0,
    )
    assert "levels" not in value
    frontier = read_frontier(tmp_path / "frontier.json")
    assert frontier.task == ClassesTask(NAMES)
    assert list(frontier.best.judged) == ["error", "balanced_error"]
    net = load_winner(tmp_path / "frontier.json", frontier.best)
    assert net.head.output.out_channels == 3


def test_labels_beyond_the_budget_cannot_be_reached(recordings: Path, tmp_path: Path):
    data = open_folder(recordings, tmp_path, labelled_per_class=2)
    with (tmp_path / "labels.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3 * 2
    assert {row["use"] for row in rows} == {"train", "validation"}
    labels = data.batch(0)["labelled"]
    assert len(data._batches._labelled) == len(data._batches._labels[0]) == 3
    assert labels["waveform"].shape[1] == 16_000
    assert list(data.batch(0)["unlabelled"]) == ["waveform"]


def test_labels_of_another_budget_are_refused(recordings: Path, tmp_path: Path):
    open_folder(recordings, tmp_path)
    with pytest.raises(UserError, match=r"labels.csv: holds labels of other recordings, another"):
        open_folder(recordings, tmp_path, labelled_per_class=2)


def test_a_checkpoint_of_other_sound_is_refused_unless_only_the_test_is(
    recordings: Path, tmp_path: Path
):
    root = shutil.copytree(recordings, tmp_path / "data")
    data = open_folder(root, tmp_path, test_speakers=["ann"])
    state = data.state_dict()
    write_recording(root / "low" / "ann" / "0.wav", 210, seed=900)
    open_folder(root, tmp_path, test_speakers=["ann"]).load_state_dict(state)
    write_recording(root / "low" / "bob" / "0.wav", 210, seed=901)
    other = open_folder(root, tmp_path, test_speakers=["ann"])
    with pytest.raises(UserError, match=r"data\.root: not the recordings that the che"):
        other.load_state_dict(state)


@pytest.fixture(scope="module")
def several(recordings: Path) -> Path:
    """A CSV in which what is high is low as well."""
    rows = ["path,label,speaker"]
    for path in sorted(recordings.rglob("*.wav")):
        name, speaker = path.parent.parent.name, path.parent.name
        rows.append(f"{path},{name};{'low' if name == 'high' else name},{speaker}")
    (recordings.parent / "several.csv").write_text("\n".join(rows))
    return recordings.parent / "several.csv"


def test_several_labels_of_a_recording(several: Path, tmp_path: Path):
    with pytest.raises(
        UserError, match=r"has 2 labels \(high;low\); keep one, or set data.several"
    ):
        FolderDataModule(str(several))
    data = open_folder(several, tmp_path, several=True)
    lo = data.batch(0)["labelled"]["lo"]
    assert lo.shape[1] == 3
    assert set(lo[:, 0].tolist()) <= set(lo[:, 1].tolist()) | {0}  # high comes with low


def test_several_labels_train_with_mixed_clips(several: Path, tmp_path: Path):
    errors = tmp_path / "errors.txt"
    options = ["--data.several", "true", "--model.mixing.enabled", "true"]
    assert run(arguments(several, tmp_path, *options), errors=errors) == 0, errors.read_text()
    rows = metrics(tmp_path)
    assert all(float(row["train/mixed"]) > 0 for row in rows)
    assert 0 <= float(rows[-1]["val/set_error/largest"]) <= 1
    assert read_supernet(tmp_path / "supernet.pt").task == ClassesTask(NAMES, several=True)


def test_the_task_is_read_before_the_options_that_depend_on_it(tmp_path: Path):
    (tmp_path / "c.yaml").write_text("task: classes\n")
    assert task_of(["fit", "--config", str(tmp_path / "c.yaml")]) == "classes"
    assert task_of(["fit", f"--config={tmp_path / 'c.yaml'}", "--task=counts"]) == "counts"
    assert task_of(["fit"]) == "counts"
    with pytest.raises(
        UserError, match="task: got 'moods', expected counts or classes or embedding"
    ):
        task_of(["fit", "--task", "moods"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model.count_addition.enabled", "true"], "model.count_addition.enabled: true, but"),
        (["--model.labelled_loss.emd_weight", "1"], "model.labelled_loss.emd_weight: got 1.0, but"),
    ],
)
def test_ingredients_of_counts_are_refused(
    recordings: Path, tmp_path: Path, options: list[str], message: str
):
    errors = tmp_path / "errors.txt"
    assert run(arguments(recordings, tmp_path, *options), errors=errors) == 2
    assert message in errors.read_text()


def test_a_test_by_the_lists_of_a_refused_training_is_refused(recordings: Path, tmp_path: Path):
    data = open_folder(recordings, tmp_path, test_speakers=["ann"])
    data.train_dataloader()
    saved = data.state_dict()
    tested = open_folder(recordings, tmp_path, stage="test", test_speakers=["ann"])
    tested.load_state_dict(saved)
    (tmp_path / "labels.csv").unlink()  # as its refusal proposes
    other = open_folder(recordings, tmp_path, test_speakers=["bob"])
    with pytest.raises(UserError, match="not the labels that the checkpoint was trained with"):
        other.load_state_dict(saved)
    tested = open_folder(recordings, tmp_path, stage="test", test_speakers=["bob"])
    with pytest.raises(UserError, match="not the labels that the checkpoint was trained with"):
        tested.load_state_dict(saved)


def test_a_class_of_which_nothing_can_be_used_is_refused(tmp_path: Path):
    root = write_folder(tmp_path / "data", each=1)
    for path in (root / "high").rglob("*.wav"):
        path.write_bytes(b"no audio")
    with pytest.raises(UserError, match="root: class 'high': none of its recordings can be used"):
        open_folder(root, tmp_path)


def test_one_class_is_no_task(tmp_path: Path):
    write_recording(tmp_path / "only" / "a.wav", 300)
    with pytest.raises(UserError, match="holds only class 'only', expected at least two classes"):
        FolderDataModule(str(tmp_path))
    write_recording(tmp_path / "unlabelled" / "a.wav", 300)
    shutil.rmtree(tmp_path / "only")
    with pytest.raises(UserError, match="holds no label, expected at least two classes"):
        FolderDataModule(str(tmp_path))
