"""A net of pictures from a folder to a frontier, and then as a teacher, in the smallest size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lightning_modules import cli
from lightning_modules.mentor import Mentor
from lightning_modules.module import SupernetModule
from lightning_modules.pictures import Pictures
from search_spaces.errors import UserError
from search_spaces.frontier import load_winner, read_frontier
from search_spaces.image_cnn import build_image_cnn
from search_spaces.spaces import get_space
from search_spaces.subnet_file import read_subnet
from search_spaces.supernet_file import load_trained, read_training
from search_spaces.task_classes import ClassesTask
from tests.lightning_modules.recording_folder import write_folder
from tests.lightning_modules.runs import metrics, run
from tests.lightning_modules.test_classes import CONFIG as FOLDER_CONFIG
from tests.lightning_modules.test_classes import NAMES, arguments

TASK = ClassesTask(NAMES)
PICTURES = {
    "cnn": "squeezenet1_1",
    "size": "32",
    "bands": "40",
    "hop_ms": "32",
    "window_ms": "64",
    "frozen_steps": "100",
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("recordings") / "data")


def picture_arguments(root: Path, folder: Path, *options: str) -> list[str]:
    usual = arguments(root, folder, "--model.space", "deepspectrum-1s", *options)
    at = usual.index(str(FOLDER_CONFIG))
    usual[at] = str(FOLDER_CONFIG.with_name("deepspectrum.yaml"))
    return [*usual, *(f"--model.pictures.{name}={value}" for name, value in PICTURES.items())]


@pytest.fixture(scope="module")
def trained(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    torch.save(build_image_cnn("squeezenet1_1", 1000, seed=7).state_dict(), folder / "s.pth")
    weights = f"--model.pictures.weights={folder / 's.pth'}"
    errors = folder / "errors.txt"
    steps = ("--trainer.max_steps", "2", "--data.steps_per_epoch", "2")
    options = picture_arguments(recordings, folder, *steps, weights)
    assert run(options, errors=errors) == 0, errors.read_text()
    return folder


def test_in_the_frozen_phase_only_the_last_layer_moves(trained: Path):
    published = torch.load(trained / "s.pth", weights_only=True)
    state = torch.load(trained / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    fresh = build_image_cnn("squeezenet1_1", 3, seed=1).state_dict()
    for name, weights in published.items():
        last = name.startswith("classifier.1.")
        before = fresh[name] if last else weights
        assert torch.equal(state[f"net.cnn.{name}"], before) != last, name


def test_it_leaves_a_frontier_that_lowering_takes(trained: Path):
    frontier = read_frontier(trained / "frontier.json")
    winner = frontier.best
    assert frontier.space == "deepspectrum-1s"
    assert winner.name == f"net-{winner.architecture.digest}-squeezenet1_1"
    assert winner.judged["error"].clips > 0
    net = load_winner(trained / "frontier.json", winner)
    assert net(torch.zeros(1, 16_000)).shape == (1, 3)
    record = read_training(trained / "subnet.pt")["settings"]["pictures"]
    assert record["cnn"] == "squeezenet1_1"
    assert len(record["weights"]) == 64  # the file's hash, not where it lay
    assert float(metrics(trained)[-1]["val/error/fixed"]) <= 1


def test_it_teaches_a_supernet_of_another_front_end(
    trained: Path, recordings: Path, tmp_path: Path
):
    options = ("--trainer.max_steps", "2", "--model.distil_from", str(trained / "subnet.pt"))
    assert run(arguments(recordings, tmp_path, *options)) == 0
    row = metrics(tmp_path)[0]
    assert float(row["train/mentor"]) > 0
    assert float(row["train/distillation"]) > 0


def test_the_teacher_says_what_the_trained_net_says(trained: Path):
    from lightning_modules.students import FeatureCache

    waveform = 0.1 * torch.randn(2, 16_000)
    mentor = Mentor(trained / "subnet.pt", get_space("sam-nano-1s"), TASK, one_student=False)
    net = load_winner(trained / "frontier.json", read_frontier(trained / "frontier.json").best)
    with torch.no_grad():
        torch.testing.assert_close(mentor.logits(FeatureCache(waveform)), net(waveform))


def test_a_teacher_of_longer_clips_is_refused(trained: Path):
    with pytest.raises(
        UserError,
        match=r"model.distil_from: .*subnet.pt hears clips of 1 s at 16000 Hz \(deepspectrum-1s\),"
        r" sam-nano those of 5 s; give a teacher of clips as long",
    ):
        Mentor(trained / "subnet.pt", get_space("sam-nano"), TASK)


def test_a_teacher_of_other_classes_is_refused(trained: Path):
    with pytest.raises(UserError, match=r"its 3 outputs are classes .* expected 2 classes \(dog"):
        Mentor(trained / "subnet.pt", get_space("sam-nano-1s"), ClassesTask(("dog", "door")))


def test_a_damaged_teacher_is_refused(trained: Path):
    value = load_trained(trained / "subnet.pt")
    value["state_dict"].pop("cnn.features.0.weight")
    with pytest.raises(UserError, match=r"s.pt: its net cannot be built \(.*\); train it anew"):
        read_subnet(Path("s.pt"), value)


def test_weights_that_are_not_there_are_told_before_recordings_are_decoded(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    errors = tmp_path / "errors.txt"
    assert run(picture_arguments(recordings, tmp_path / "run"), errors=errors) == 2
    last = errors.read_text().strip().splitlines()[-1]
    assert "holds no squeezenet1_1-*.pth, and nothing is downloaded" in last
    assert not (tmp_path / "run" / "labels.csv").exists()


def test_a_space_of_pictures_needs_pictures():
    with pytest.raises(
        UserError, match=r"the nets of deepspectrum-1s share no weights; say by mod"
    ):
        SupernetModule("deepspectrum-1s")


def test_pictures_stand_in_for_an_architecture():
    module = SupernetModule(
        "deepspectrum-1s", pictures=Pictures(cnn="mobilenet_v2", weights="random", size=32)
    )
    assert module.students.fixed.choices["picture_size"] == 32
    assert module.settings()["pictures"]["weights"] == "random"


def test_a_field_out_of_range_is_one_line_of_the_command(recordings: Path, tmp_path: Path):
    options = [*picture_arguments(recordings, tmp_path), "--model.pictures.size", "33"]
    with pytest.raises(UserError, match=r"^model.pictures.size: got 33, allowed: 32, 64, 96"):
        cli.main(options)


@pytest.mark.parametrize("field", ["architecture", "initial_weights"])
def test_files_of_other_nets_are_refused(field: str):
    pictures = Pictures(cnn="mobilenet_v2", weights="random", size=32)
    with pytest.raises(UserError, match=rf"^model.{field}: a.json is given with model.pictures"):
        SupernetModule("deepspectrum-1s", pictures=pictures, **{field: Path("a.json")})
