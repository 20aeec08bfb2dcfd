"""`task: embedding`: speech to a teacher, to a supernet distilled from it, to a searched net."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path

import pytest
import torch

from lightning_modules.datamodule_embedding import EmbeddingDataModule
from lightning_modules.ingredients import (
    Additivity,
    CountAddition,
    LabelledLoss,
    Mixing,
    Proximity,
    PseudoLabels,
)
from lightning_modules.module import SupernetModule
from lightning_modules.teacher_files import read_teacher
from search_spaces.ambiance import AmbianceLevels
from search_spaces.budget import Budget
from search_spaces.clips_file import read_clips
from search_spaces.errors import UserError
from search_spaces.frontier import load_winner, read_frontier
from search_spaces.search import search
from search_spaces.search_setup import SearchFiles, SearchSize
from search_spaces.subnet_file import read_subnet
from search_spaces.supernet_file import load_trained, read_supernet
from search_spaces.task_embedding import ProximityTask, TeacherTask
from tests.lightning_modules.runs import metrics, run

CONFIGS = Path(__file__).parents[2] / "lightning_modules" / "configs"


def arguments(config: str, speech: Path, folder: Path, *options: str) -> list[str]:
    return [
        *("fit", "--config", str(CONFIGS / f"{config}.yaml"), "--data.root", str(speech)),
        *("--data.cache", str(speech.parent / "cache"), "--model.space", "sam-nano-1s"),
        *("--trainer.default_root_dir", str(folder), "--trainer.enable_progress_bar", "false"),
        *("--trainer.max_steps", "4", "--trainer.log_every_n_steps", "1"),
        *("--data.steps_per_epoch", "2", "--data.num_workers", "0", "--data.batch_size", "8"),
        *("--data.validation_clips", "12", "--trainer.callbacks", "[]"),
        *("--trainer.callbacks+=lightning_modules.checkpoints.RunCheckpoint",),
        *("--trainer.callbacks.every_n_train_steps", "2"),
        *("--trainer.callbacks+=lightning_modules.export.ExportSupernet",),
        *("--trainer.callbacks.calibration_clips", "4"),
        *options,
    ]


@pytest.fixture(scope="module")
def taught(speech_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A teacher trained without labels."""
    folder = tmp_path_factory.mktemp("teacher")
    errors = folder / "errors.txt"
    options = ("--data.dimensions", "6")
    assert run(arguments("embedding", speech_folder, folder, *options), errors=errors) == 0, (
        errors.read_text()
    )
    return folder


@pytest.fixture(scope="module")
def distilled(taught: Path, speech_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A supernet that learned from it."""
    folder = tmp_path_factory.mktemp("student")
    errors = folder / "errors.txt"
    assert run(student(taught, speech_folder, folder), errors=errors) == 0, errors.read_text()
    return folder


def student(taught: Path, speech: Path, folder: Path, *options: str) -> list[str]:
    teacher = ("--data.teacher", str(taught / "subnet.pt"))
    return arguments("frill", speech, folder, *teacher, *options)


def test_a_folder_of_speech_is_all_that_a_teacher_needs(taught: Path):
    rows = metrics(taught)
    assert [int(row["step"]) for row in rows] == list(range(4))
    assert 0 <= float(rows[-1]["val/neighbour_error/fixed"]) <= 1
    found = read_subnet(taught / "subnet.pt", load_trained(taught / "subnet.pt"))
    assert found.task == ProximityTask(6)
    assert found.net(torch.zeros(1, found.architecture.clip_samples)).shape == (1, 6)
    clips = read_clips(taught / "clips.npz")
    assert (clips.validation_lo[::2] == clips.validation_lo[1::2]).all()
    with (taught / "labels.csv").open() as stream:
        listed = list(csv.DictReader(stream))
    assert {row["label"] for row in listed} == {""}
    assert read_frontier(taught / "frontier.json").task == found.task


def test_the_teacher_is_met_by_every_net_of_a_supernet(distilled: Path, taught: Path):
    rows = metrics(distilled)
    assert all(float(row["train/labelled"]) > 0 for row in rows)
    for net in ("largest", "middle", "smallest"):
        assert float(rows[-1][f"val/distance/{net}"]) > 0
    found = read_supernet(distilled / "supernet.pt")
    assert found.task == TeacherTask(6)
    teacher = read_teacher(taught / "subnet.pt", 16_000)
    assert found.training["teacher_sha256"] == teacher.sha256
    clips = read_clips(distilled / "clips.npz")
    assert clips.validation_lo.dtype == "float32"
    said = teacher.embed(torch.from_numpy(clips.validation_waveform / 32768).float()).numpy()
    offset = clips.validation_lo * found.training["teacher_spread"] - said  # minus its mean
    assert offset.std(axis=0).max() < 1e-3


def test_a_killed_run_goes_on_to_the_same_losses(
    distilled: Path, taught: Path, speech_folder: Path, tmp_path: Path
):
    assert run(student(taught, speech_folder, tmp_path), ("training step", 3)) == -9
    assert run(student(taught, speech_folder, tmp_path)) == 0
    assert metrics(tmp_path) == metrics(distilled)


def test_a_checkpoint_of_another_teacher_is_refused(
    distilled: Path, taught: Path, speech_folder: Path, tmp_path: Path
):
    shutil.copytree(distilled, tmp_path / "run")
    (tmp_path / "other").mkdir()
    value = torch.load(taught / "subnet.pt", weights_only=True)
    value["state_dict"]["head.output.bias"] += 1
    torch.save(value, tmp_path / "other" / "subnet.pt")
    errors = tmp_path / "errors.txt"
    again = student(tmp_path / "other", speech_folder, tmp_path / "run")
    assert run(again, errors=errors) == 2
    assert "data.teacher: not the one that the checkpoint learned from" in errors.read_text()


def test_search_ranks_by_the_distance_to_the_teacher(distilled: Path, tmp_path: Path):
    search(
        SearchFiles(distilled / "supernet.pt", distilled / "clips.npz", None, tmp_path),
        Budget(max_params=8000),
        AmbianceLevels(),
        SearchSize(population=4, generations=1, winners=1, calibration_clips=4),
        seed=0,
    )
    frontier = read_frontier(tmp_path / "frontier.json")
    assert frontier.task == TeacherTask(6)
    assert list(frontier.best.judged) == ["distance", "cosine_distance"]
    net = load_winner(tmp_path / "frontier.json", frontier.best)
    assert net.head.output.out_channels == 6


def module(speech: Path, folder: Path, **options: object) -> EmbeddingDataModule:
    data = EmbeddingDataModule(
        str(speech),
        space="sam-nano-1s",
        num_workers=0,
        labels=str(folder / "labels.csv"),
        cache=str(speech.parent / "cache"),
        **options,
    )
    data.prepare_data()
    data.setup()
    return data


def test_the_data_hold_no_label_and_no_reader_twice(speech_folder: Path, tmp_path: Path):
    data = module(speech_folder, tmp_path, validation_clips=8, batch_size=6)
    batch = data.batch(0)
    assert batch["labelled"]["waveform"].shape == (6, 16_000)
    assert len(set(batch["labelled"]["lo"].tolist())) == 3
    clips, of, _ = data.validation_clips()
    assert len(clips) == len(of) <= 8
    assert data.provenance()["test_by_speaker"] is True
    assert next(iter(data.test_dataloader()))["waveform"].shape[1] == 16_000


def test_stretches_of_one_file_are_told_from_other_files_alone(
    speech_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    first, second, third, fourth = sorted(speech_folder.rglob("*.wav"))[:4]
    rows = [
        f"{path},x,{start / 4},{start / 4 + 0.25},{split}"
        for path, split in ((first, "train"), (second, "train"), (third, "validation"))
        for start in range(2)
    ]
    table = tmp_path / "list.csv"
    table.write_text("\n".join(["path,label,start_s,end_s,split", *rows, f"{fourth},x,,,test"]))
    data = module(table, tmp_path, batch_size=8)
    batch = data.batch(0)["labelled"]
    files = dict(zip(batch["lo"].tolist(), batch["hi"].tolist(), strict=True))
    assert files == {0: 0, 1: 0, 2: 1, 3: 1}
    assert data.validation_clips()[1].tolist() == [0] * 16
    assert "all recordings that validate are of one file, so neighbour" in capsys.readouterr().err
    table.write_text("\n".join(["path,label,start_s,end_s,split", *rows[:2], *rows[4:]]))
    with pytest.raises(UserError, match="root: all recordings that train are of one file, so tha"):
        module(table, tmp_path / "other")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 5}, "batch_size: 5, expected an even number: clips are paired"),
        ({"batch_size": 2}, "batch_size: 2, expected at least 4"),
        ({"proximity_s": 0.0}, "proximity_s: 0, expected more than 0 seconds"),
        ({"proximity_s": math.inf}, "proximity_s: inf, expected more than 0 seconds"),
        ({"teacher": "t", "dimensions": 3}, "dimensions: 3 is given, but the teacher has its own"),
        ({"views": 0}, "views: 0, expected at least 1"),
        ({"views": 2}, "views: 2 is of a teacher's answers; give data.teacher, or 1"),
        ({"view_speed": 0.6}, r"view_speed: 0.6, expected 0 \(off\) to 0.5"),
        ({"view_channels": True}, "view_channels: true is of further views; give data.views 2"),
        ({"dimensions": 1}, "dimensions: got 1, expected 2 to 8192"),
        ({"teacher": "none.pt"}, "none.pt: no such file, expected TorchScript"),
    ],
)
def test_options_that_cannot_be_are_refused(
    speech_folder: Path, options: dict[str, object], message: str
):
    with pytest.raises(UserError, match=message):
        EmbeddingDataModule(str(speech_folder), space="sam-nano-1s", **options)


def test_a_test_split_that_a_csv_leaves_empty_is_said(speech_folder: Path, tmp_path: Path):
    files = sorted(speech_folder.rglob("*.wav"))
    rows = [f"{path},x,{'validation' if at < 3 else 'train'}" for at, path in enumerate(files)]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,split", *rows]))
    data = module(tmp_path / "list.csv", tmp_path, validation_clips=8)
    with pytest.raises(UserError, match="root: no recording is in the test split"):
        data.test_dataloader()


@pytest.mark.parametrize("name", ["pseudo_labels", "mixing"])
def test_what_needs_probabilities_is_refused(name: str):
    plain: dict[str, object] = {
        "labelled_loss": LabelledLoss(emd_weight=0.0),
        "count_addition": CountAddition(enabled=False),
        "additivity": Additivity(enabled=False),
        "pseudo_labels": PseudoLabels(enabled=False),
    }
    SupernetModule("sam-nano-1s", TeacherTask(4), **plain)
    plain[name] = {"pseudo_labels": PseudoLabels, "mixing": Mixing}[name](enabled=True)
    message = rf"model\.{name}\.enabled: true, but an embedding has no probabilities; set it"
    with pytest.raises(UserError, match=message):
        SupernetModule("sam-nano-1s", TeacherTask(4), **plain)


def test_a_margin_out_of_range_is_refused():
    with pytest.raises(UserError, match=r"model.proximity.margin: got 5, expected 0.0 to 4.0"):
        Proximity(margin=5)


def test_settings_of_other_tasks_are_as_they_were():
    assert "proximity" not in SupernetModule("sam-nano").settings()


def test_a_checkpoint_of_other_views_is_refused(
    distilled: Path, taught: Path, speech_folder: Path, tmp_path: Path
):
    shutil.copytree(distilled, tmp_path / "run")
    errors = tmp_path / "errors.txt"
    again = student(taught, speech_folder, tmp_path / "run", "--data.views", "2")
    assert run(again, errors=errors) == 2
    assert "data.views: the checkpoint was trained with 1, not 2" in errors.read_text()


def test_a_checkpoint_from_before_other_channels_knows_none(
    taught: Path, speech_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    labels = tmp_path / "labels.csv"
    labels.write_text("")
    monkeypatch.setattr(EmbeddingDataModule, "sounds_sha256", lambda _: {})
    plain, channels = (
        EmbeddingDataModule(
            str(speech_folder),
            "sam-nano-1s",
            str(taught / "subnet.pt"),
            views=2,
            view_channels=asked,
            labels=str(labels),
        )
        for asked in (False, True)
    )
    state = plain.state_dict()
    del state["settings"]["view_channels"]  # as it was written then
    for data in (plain, channels):
        data._batches = object()  # as `setup` sets it
    plain.load_state_dict(state)
    with pytest.raises(UserError, match=r"data\.view_channels: .* trained with False, not True"):
        channels.load_state_dict(state)
