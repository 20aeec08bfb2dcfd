from __future__ import annotations

from pathlib import Path

import pytest
import torch

from search_spaces.architecture import smallest, write_architecture
from search_spaces.clips_file import read_clips
from search_spaces.frontier import load_winner, read_frontier
from search_spaces.spaces import get_space
from search_spaces.supernet_file import read_supernet, read_training
from tests.lightning_modules.runs import SOUNDLESS, metrics, run, smoke_arguments
from tests.lightning_modules.spans_folder import write_recordings

STEPS = 10  # of smoke.yaml: two epochs of five, a checkpoint every second step


@pytest.fixture(scope="module")
def uninterrupted(prepared_speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert run(["fit", *smoke_arguments(prepared_speech, folder)]) == 0
    return folder


def test_a_run_logs_every_step_and_every_ingredient_once(uninterrupted: Path):
    rows = metrics(uninterrupted)
    assert [int(row["step"]) for row in rows] == list(range(STEPS))
    for name in ("loss", "labelled", "pseudo_labels", "additivity", "distillation"):
        assert all(float(row[f"train/{name}"]) >= 0 for row in rows)
    validated = [int(row["step"]) for row in rows if row["val/level_error/smallest"]]
    assert validated == [4, 9]


def test_killed_at_any_point_it_resumes_to_the_same_losses(
    uninterrupted: Path, prepared_speech: Path, tmp_path: Path
):
    arguments = ["fit", *smoke_arguments(prepared_speech, tmp_path)]
    # Before any checkpoint; amid writing one; amid the validation that ends the epoch; between a
    # step and its checkpoint; amid the validation that a due checkpoint waits for.
    for kill_at in (
        ("training step", 2),
        ("checkpoint", 2),
        ("validation", 1),
        ("optimiser step", 4),
        ("validation", 1),
    ):
        assert run(arguments, kill_at) == -9, kill_at
    assert run(arguments) == 0
    assert metrics(tmp_path) == metrics(uninterrupted)
    resumed = read_supernet(tmp_path / "supernet.pt").supernet.state_dict()
    for name, value in read_supernet(uninterrupted / "supernet.pt").supernet.state_dict().items():
        assert torch.equal(resumed[name], value), name
    assert (tmp_path / "clips.npz").read_bytes() == (uninterrupted / "clips.npz").read_bytes()


@pytest.mark.parametrize("fixed", [False, True])
def test_with_recordings_of_ones_own_it_resumes_to_the_same_losses(
    prepared_speech: Path, tmp_path: Path, fixed: bool
):
    table = write_recordings(tmp_path / "recordings")
    options = ["--data.recordings", str(table), "--data.cache", str(tmp_path / "cache")]
    options += ["--trainer.max_steps", "4"]
    if fixed:
        write_architecture(tmp_path / "a.json", smallest(get_space("sam-nano")))
        options += ["--model.architecture", str(tmp_path / "a.json")]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run(["fit", *smoke_arguments(prepared_speech, whole, *options)]) == 0
    arguments = ["fit", *smoke_arguments(prepared_speech, killed, *options)]
    assert run(arguments, ("training step", 4)) == -9
    assert run(arguments) == 0
    assert metrics(killed) == metrics(whole)
    assert (killed / "clips.npz").read_bytes() == (whole / "clips.npz").read_bytes()
    assert len(read_clips(whole / "clips.npz").validation_lo) > 4  # a fifth of the budget of 20


def test_with_features_in_place_of_sound_it_resumes_to_the_same_losses(
    prepared_speech: Path, tmp_path: Path
):
    net, cache = tmp_path / "a.json", tmp_path / "cache"
    write_architecture(net, smallest(get_space("sam-nano")))
    options = ["--model.architecture", str(net), "--data.cache", str(cache), *SOUNDLESS]
    features = [*options, "--data.held_features", "true"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run(["fit", *smoke_arguments(prepared_speech, whole, *features)]) == 0
    arguments = ["fit", *smoke_arguments(prepared_speech, killed, *features)]
    assert run(arguments, ("training step", 4)) == -9
    assert run(arguments) == 0
    assert metrics(killed) == metrics(whole)
    assert len(list(cache.glob("clips/*/features.f16"))) == 1
    assert not list(cache.glob("clips/*/clips.i16"))


@pytest.mark.parametrize("nets", ["one net", "a supernet with one front end"])
def test_features_are_those_of_the_sound(nets: str, prepared_speech: Path, tmp_path: Path):
    net = tmp_path / "a.json"
    write_architecture(net, smallest(get_space("sam-nano")))
    options = ["--model.architecture", str(net)]
    if nets != "one net":
        options = ["--model.space", "sam-4k"]
    options += ["--data.cache", str(tmp_path / "cache")]
    options += [*SOUNDLESS, "--model.weak_augmentation.rotate", "false"]
    options += ["--model.strong_augmentation.enabled", "false"]
    losses = []
    for features in ("false", "true"):
        given = [*options, "--data.held_features", features]
        folder = tmp_path / features
        assert run(["fit", *smoke_arguments(prepared_speech, folder, *given)]) == 0
        losses.append([float(row["train/loss"]) for row in metrics(folder)])
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_a_checkpoint_that_is_due_at_an_epochs_end_is_written_and_resumed_from(
    uninterrupted: Path, prepared_speech: Path, tmp_path: Path
):
    options = smoke_arguments(prepared_speech, tmp_path)
    options[options.index("--trainer.callbacks.every_n_train_steps") + 1] = "5"
    assert run(["fit", *options], ("training step", 7)) == -9
    checkpoint = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 5
    assert run(["fit", *options]) == 0
    assert metrics(tmp_path) == metrics(uninterrupted)


def test_fit_of_a_finished_run_changes_nothing(uninterrupted: Path, prepared_speech: Path):
    before = (uninterrupted / "metrics.csv").read_bytes()
    assert run(["fit", *smoke_arguments(prepared_speech, uninterrupted)]) == 0
    assert (uninterrupted / "metrics.csv").read_bytes() == before


def test_a_checkpoint_holds_what_resuming_needs_and_loads_with_weights_only(uninterrupted: Path):
    checkpoint = torch.load(uninterrupted / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == STEPS
    names = checkpoint["state_dict"].keys()
    assert any(name.startswith("net.") for name in names)
    assert any(name.startswith("teacher.") for name in names)
    assert checkpoint["AmbianceDataModule"]["position"] == STEPS
    assert checkpoint["optimizer_states"][0]["state"]
    assert checkpoint["settings"]["seed"] == 1


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("model.ema_decay 0.5", "ema_decay = 0.998, not 0.5; ask for"),
        ("model.initial_weights supernet.pt", "initial_weights ="),
        ("trainer.precision bf16-mixed", "trainer.precision = 32-true, not bf16-mixed; ask for"),
        ("trainer.gradient_clip_val null", "trainer.gradient_clip_val = 5.0, not 0.0; ask for"),
        (
            "trainer.gradient_clip_algorithm value",
            "trainer.gradient_clip_algorithm = norm, not value; ask for",
        ),
        (
            "trainer.accumulate_grad_batches 2",
            "trainer.accumulate_grad_batches = 1, not 2; ask for",
        ),
    ],
)
def test_a_folder_of_another_run_is_refused_and_left_alone(
    uninterrupted: Path, prepared_speech: Path, tmp_path: Path, option: str, message: str
):
    before = {path: path.read_bytes() for path in uninterrupted.rglob("*") if path.is_file()}
    name, value = option.split()
    value = str(uninterrupted / value) if value.endswith(".pt") else value
    more = ("--trainer.max_steps", str(STEPS + 2))
    options = smoke_arguments(prepared_speech, uninterrupted, f"--{name}", value, *more)
    assert run(["fit", *options], errors=tmp_path / "stderr") == 2
    last = (tmp_path / "stderr").read_text().splitlines()[-1]
    assert last.startswith(f"error: checkpoint: trained with {message}")
    after = {path: path.read_bytes() for path in uninterrupted.rglob("*") if path.is_file()}
    assert after == before


def test_a_checkpoint_from_before_the_trainers_settings_goes_on_and_is_judged_at_any(
    uninterrupted: Path, prepared_speech: Path, tmp_path: Path
):
    checkpoint = torch.load(uninterrupted / "checkpoints" / "last.ckpt", weights_only=True)
    del checkpoint["trainer"]
    (tmp_path / "checkpoints").mkdir()
    torch.save(checkpoint, tmp_path / "checkpoints" / "last.ckpt")
    (tmp_path / "labels.csv").write_bytes((uninterrupted / "labels.csv").read_bytes())
    unclipped = smoke_arguments(prepared_speech, tmp_path, "--trainer.gradient_clip_val", "0")
    assert run(["fit", *unclipped]) == 0  # as earlier versions did
    other = ("--trainer.gradient_clip_val", "1", "--data.test_clips", "4")
    assert run(["test", *smoke_arguments(prepared_speech, uninterrupted, *other)]) == 0


def test_validate_and_test_judge_the_last_checkpoint(uninterrupted: Path, prepared_speech: Path):
    before = (uninterrupted / "metrics.csv").read_bytes()
    options = smoke_arguments(prepared_speech, uninterrupted, "--data.test_clips", "12")
    for command in ("validate", "test"):
        assert run([command, *options]) == 0
        assert "level_error/largest" in (uninterrupted / f"{command}.csv").read_text()
    assert (uninterrupted / "metrics.csv").read_bytes() == before


def test_one_fixed_architecture_trains_by_the_same_recipe(prepared_speech: Path, tmp_path: Path):
    architecture = smallest(get_space("sam-nano"))
    write_architecture(tmp_path / "architecture.json", architecture)
    options = ("--model.architecture", str(tmp_path / "architecture.json"))
    arguments = smoke_arguments(prepared_speech, tmp_path, "--trainer.max_steps", "3", *options)
    assert run(["fit", *arguments]) == 0
    written = torch.load(tmp_path / "subnet.pt", weights_only=True)
    assert written["architecture"] == architecture.to_json()
    assert "train/distillation" not in metrics(tmp_path)[0]
    frontier = read_frontier(tmp_path / "frontier.json")
    net = load_winner(tmp_path / "frontier.json", frontier.best)
    assert all(torch.equal(net.state_dict()[k], v) for k, v in written["state_dict"].items())
    assert frontier.best.judged["level_error"].clips == 4  # a fifth of the budget of 20
    assert read_training(tmp_path / "subnet.pt")["steps"] == 3
    begun = ("--model.initial_weights", str(tmp_path / "subnet.pt"), "--trainer.max_steps", "1")
    assert run(["fit", *smoke_arguments(prepared_speech, tmp_path / "on", *options, *begun)]) == 0
    assert read_training(tmp_path / "on" / "subnet.pt")["initial_training"] == {
        "speech": "folder",
        "protocol": "libricount",
        "labelled_clips": 20,
        "steps": 3,
    }
    assert read_frontier(tmp_path / "on" / "frontier.json").best.name.endswith("-tuned")


def test_with_every_ingredient_off_it_trains_too(prepared_speech: Path, tmp_path: Path):
    switches = ("count_addition", "strong_augmentation", "pseudo_labels", "additivity")
    off = [
        part
        for name in (*switches, "distillation")
        for part in (f"--model.{name}.enabled", "false")
    ]
    arguments = smoke_arguments(prepared_speech, tmp_path, "--trainer.max_steps", "2", *off)
    errors = tmp_path / "errors.txt"
    assert run(["fit", *arguments], errors=errors) == 0
    unused = "data.unlabelled_batch_size: nothing learns from these 8 clips of a step; 0 would save"
    assert errors.read_text().count(unused) == 1
    row = metrics(tmp_path)[0]
    assert not {"train/pseudo_labels", "train/additivity"} & row.keys()
    assert float(row["train/distillation"]) > 0  # the subnets learn from the labels


def test_a_try_of_one_batch_leaves_nothing_and_goes_on_from_nothing(
    uninterrupted: Path, prepared_speech: Path, tmp_path: Path
):
    tried = ["--trainer.fast_dev_run", "true"]
    assert run(["fit", *smoke_arguments(prepared_speech, tmp_path, *tried)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"labels.csv"}
    before = {path: path.stat().st_mtime_ns for path in uninterrupted.rglob("*") if path.is_file()}
    assert run(["fit", *smoke_arguments(prepared_speech, uninterrupted, *tried)]) == 0
    assert before == {
        path: path.stat().st_mtime_ns for path in uninterrupted.rglob("*") if path.is_file()
    }


def test_a_killed_run_that_began_with_a_checkpoint_goes_on_from_its_own(
    uninterrupted: Path, prepared_speech: Path, tmp_path: Path
):
    start = uninterrupted / "checkpoints" / "last.ckpt"
    begun, errors = tmp_path / "begun", tmp_path / "errors"
    given = ["--ckpt_path", str(start), "--trainer.max_steps", str(STEPS + 4)]
    arguments = ["fit", *smoke_arguments(prepared_speech, begun, *given)]
    assert run(arguments, ("training step", 4)) == -9
    assert run(arguments, errors=errors) == 0
    own = begun / "checkpoints" / "last.ckpt"
    assert f"going on from {own}; to begin with {start} again, name another" in errors.read_text()
    assert f"at {own}" in errors.read_text()
    # The configuration that it leaves is one of settings, with which another run begins anew.
    assert "ckpt_path: null" in (begun / "config.yaml").read_text()
