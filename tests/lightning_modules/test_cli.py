from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import wandb
import yaml
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import Checkpoint, ProgressBar

from lightning_modules.__main__ import COMMANDS, TRAINER
from lightning_modules.__main__ import main as dispatch
from lightning_modules.cli import DATA, AmbianceCLI, main, task_of
from lightning_modules.cli_errors import OneLineParser
from lightning_modules.export import ExportSupernet
from lightning_modules.module import SupernetModule
from lightning_modules.wandb_logger import PrivateWandbLogger
from search_spaces.architecture import smallest, write_architecture
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from search_spaces.supernet import build_supernet
from search_spaces.supernet_file import write_supernet
from search_spaces.task_embedding import ProximityTask
from tests.lightning_modules.recording_folder import write_folder
from tests.lightning_modules.runs import SMOKE, SOUNDLESS, smoke_arguments

CONFIGS = sorted(SMOKE.parent.glob("*.yaml"))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")


def instantiate(*arguments: str) -> AmbianceCLI:
    return AmbianceCLI(
        SupernetModule,
        DATA[task_of(arguments)],
        parser_class=OneLineParser,
        seed_everything_default=0,
        auto_configure_optimizers=False,
        args=list(arguments),
        run=False,
    )


def test_there_are_twelve_configs():
    names = [path.stem for path in CONFIGS]
    assert names[:5] == ["deepspectrum", "demo", "embedding", "folder", "frill"]
    assert names[5:8] == ["sam-few", "sam-lite", "sam-net"]
    assert names[8:] == ["sam-voices", "sam", "smoke"]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_can_be_instantiated(config: Path, tmp_path: Path):
    values = yaml.safe_load(config.read_text())
    options = ["--trainer.default_root_dir", str(tmp_path)]
    if values.get("task") in ("classes", "embedding"):
        options += ["--data.root", str(write_folder(tmp_path / "data", each=1))]
    if "teacher" in values["data"]:
        teacher = build_supernet(get_space("sam-nano-1s"), num_outputs=4)
        write_supernet(tmp_path / "teacher.pt", teacher, {}, ProximityTask(4))
        options += ["--data.teacher", str(tmp_path / "teacher.pt")]
    if "initial_weights" in values["model"]:
        supernet = build_supernet(get_space(values["model"]["space"]))
        write_supernet(tmp_path / "supernet.pt", supernet, {})
        options += ["--model.initial_weights", str(tmp_path / "supernet.pt")]
    cli = instantiate("--config", str(config), *options)
    assert cli.trainer.max_steps == values["trainer"]["max_steps"]
    assert cli.model.students.spec.name == values["model"]["space"]
    assert cli.model.seed == values["seed_everything"]
    assert type(cli.trainer.loggers[0]).__name__ == "StepCsvLogger"
    assert cli.trainer.default_root_dir == str(tmp_path)
    has_wandb = any(isinstance(logger, PrivateWandbLogger) for logger in cli.trainer.loggers)
    assert has_wandb == (config.stem == "sam")


@pytest.mark.parametrize(
    ("option", "kind"), [("enable_progress_bar", ProgressBar), ("enable_checkpointing", Checkpoint)]
)
def test_a_bar_or_checkpoints_that_are_switched_off_are_left_out(
    option: str, kind: type[Callback], tmp_path: Path
):
    """Lightning refuses one that is named, as in every shipped configuration, and switched off."""
    folder = ("--trainer.default_root_dir", str(tmp_path))
    for value, there in (("true", True), ("false", False)):
        cli = instantiate("--config", str(SMOKE), *folder, f"--trainer.{option}={value}")
        trainer = cli.trainer
        assert any(isinstance(callback, kind) for callback in trainer.callbacks) == there
    assert any(isinstance(callback, ExportSupernet) for callback in trainer.callbacks)


def test_checkpoints_of_ones_own_lie_in_the_run_folder(tmp_path: Path):
    folder = tmp_path / "run"
    callbacks = ("--trainer.callbacks", "[]", "--trainer.callbacks+=ModelCheckpoint")
    named = ("--trainer.default_root_dir", str(folder))
    cli = instantiate("--config", str(SMOKE), *named, *callbacks)
    (own,) = cli.trainer.checkpoint_callbacks
    own.setup(cli.trainer, cli.model, "fit")
    assert Path(own.dirpath) == folder / "checkpoints"


def test_a_flag_adds_a_private_offline_logger(tmp_path: Path):
    folder = ("--trainer.default_root_dir", str(tmp_path))
    cli = instantiate("--config", str(SMOKE), *folder, "--wandb", "--wandb-group", "g")
    _, logger = cli.trainer.loggers
    assert isinstance(logger, PrivateWandbLogger)
    assert logger.save_dir == str(tmp_path)
    settings = logger._wandb_init["settings"]
    assert (logger._offline, logger._wandb_init["group"]) == (True, "g")
    assert settings.x_disable_meta


@pytest.mark.parametrize(
    "options",
    [
        ["--wandb", "online"],
        ["--trainer.logger", "lightning.pytorch.loggers.WandbLogger"],
    ],
)
def test_online_without_an_account_is_refused_before_training(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def login(verify: bool) -> None:
        raise wandb.errors.UsageError("No API key configured.")

    monkeypatch.setattr(wandb, "login", login)
    arguments = ["fit", "--config", str(SMOKE), "--trainer.default_root_dir", str(tmp_path)]
    with pytest.raises(
        UserError, match=r"^--wandb online: No API key configured\.; leave `online`"
    ):
        main([*arguments, *options])
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_wandb_refuses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> None:
        raise wandb.errors.CommError("no service")

    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.raises(UserError, match=r"^W&B: no service; log offline, or not at all"):
        _ = PrivateWandbLogger(save_dir=tmp_path).experiment


def test_rooms_switch_the_model_too(tmp_path: Path):
    options = ("--data.protocol", "rooms", "--trainer.default_root_dir", str(tmp_path))
    assert not instantiate("--config", str(SMOKE), *options).model.recipe.counts_add_exactly


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--model.colour", "red", "^unrecognized arguments: --model.colour red; see `python -m"),
        ("--trainer.max_steps", "many", "^.*trainer.max_steps.*many; see `python -m lightning_mod"),
        (
            "--trainer.max_steps",
            "-1",
            "^trainer.max_steps: -1, but the learning rate falls to 0 at",
        ),
        ("--trainer.max_steps", "0", "^trainer.max_steps: got 0, which trains nothing; give 1"),
        ("--trainer.max_epochs", "0", "^trainer.max_epochs: got 0, which trains nothing; give 1"),
        ("--trainer.limit_train_batches", "0", "^trainer.limit_train_batches: got 0, which"),
        ("--trainer.overfit_batches", "2", "^trainer.overfit_batches: got 2, but every step takes"),
        ("--data.recordings", "", "^data.recordings: is empty; name a CSV"),
        ("--trainer.gradient_clip_val", "-1", "^trainer.gradient_clip_val: got -1, expected 0 "),
        ("--trainer.gradient_clip_val", ".nan", "^trainer.gradient_clip_val: got nan, expected"),
        ("--model.space", "big", "^model.space: space 'big' is unknown"),
        ("--model.ema_decay", "2", "^model.ema_decay: got 2.0, expected 0.0 to 0.999999"),
        ("--model.additivity.share", "-1", "^model.additivity.share: got -1.0, expected 0.0 to 4"),
        ("--model.space", "sam-nano-1s", "^model.space: sam-nano-1s hears clips of 1 s, people"),
        ("--data.labelled_clips", "1", "labelled_clips: 1, expected at least 2"),
        ("--trainer.accelerator", "cuda", "^trainer: "),
        ("--trainer.accelerator", "foo", r"^trainer: refuses these settings \(ValueError: "),
        ("--trainer.accelerator", "tpu", r"^trainer: refuses these settings \(ModuleNotFound"),
        ("--trainer.devices", "foo", "^trainer: "),
        ("--trainer.precision", "64-true", "^trainer.precision: got 64-true, expected 32-true, bf"),
        ("--trainer.log_every_n_steps", "0", "^trainer.log_every_n_steps: got 0, expected 1 or"),
        ("--data.speech", "/no/speech", "^speech: /no/speech: no such folder"),
        ("--data.speech", "", "^speech: is empty; name a folder"),
        ("--seed_everything", "-1", "^seed_everything: -1 is not in bounds"),
    ],
)
def test_a_bad_option_is_one_line_that_names_it(
    option: str, value: str, message: str, tmp_path: Path
):
    arguments = ["fit", "--config", str(SMOKE), "--trainer.default_root_dir", str(tmp_path)]
    with pytest.raises(UserError, match=message) as caught:
        main([*arguments, option, value])
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], r"data.held_features: true, but the nets .* name one net by model.architecture, a f"),
        (["--data.unlabelled_batch_size", "4"], "data.unlabelled_batch_size brings sound; leave"),
        (
            ["--model.weak_augmentation.speed", "0.1"],
            r"^model.weak_augmentation.speed: 0.1, which needs sound, but data.held_features brin",
        ),
        (["--model.count_addition.enabled", "true"], "^model.count_addition.enabled: True, which"),
        (["--model.distil_from"], r"^model.distil_from: its front end \(.*32.*\) is not that of m"),
    ],
)
def test_features_in_place_of_sound_refuse_what_needs_sound(
    options: list[str], message: str, tmp_path: Path, prepared_speech: Path
):
    net = tmp_path / "net.json"
    write_architecture(net, smallest(get_space("sam-nano")))
    given = ["--data.held_features", "true", *SOUNDLESS]
    if options == ["--model.distil_from"]:  # whose largest net has a longer window
        write_supernet(tmp_path / "supernet.pt", build_supernet(get_space("sam-nano")), {})
        options = [*options, str(tmp_path / "supernet.pt")]
    if options:
        given += ["--model.architecture", str(net)]
    folder = tmp_path / "run"
    arguments = smoke_arguments(prepared_speech, folder, "--data.cache", str(tmp_path / "cache"))
    with pytest.raises(UserError, match=message) as caught:
        main(["fit", *arguments, *given, *options])
    assert "\n" not in str(caught.value)
    assert not folder.exists()


def test_an_unknown_key_in_a_file_names_the_file_and_the_key(tmp_path: Path):
    config = tmp_path / "mine.yaml"
    config.write_text(SMOKE.read_text().replace("  space:", "  colour: red\n  space:"))
    with pytest.raises(UserError, match=r"^\S+mine.yaml: .*'model.colour'; see `python -m light"):
        main(["fit", "--config", str(config)])


def test_a_config_that_is_missing_is_named():
    with pytest.raises(UserError, match=r"/no/config.yaml.*; see `python -m lightning_modules fit"):
        main(["fit", "--config", "/no/config.yaml"])


@pytest.mark.parametrize("part", ["trainer", "model", "data"])
def test_a_part_that_is_null_is_named(tmp_path: Path, part: str):
    config = tmp_path / "mine.yaml"
    config.write_text(f"seed_everything: 1\n{part}: null\n")
    with pytest.raises(UserError, match=rf"^\S+mine.yaml: {part}: is null; give its settings, or"):
        main(["fit", "--config", str(config)])


def test_a_config_in_another_encoding_is_named(tmp_path: Path):
    path = tmp_path / "config.yaml"
    path.write_text("task: counts", encoding="utf-16")
    with pytest.raises(UserError, match=f"^{path}: not valid YAML .*utf-8"):
        main(["fit", "--config", str(path)])


@pytest.mark.parametrize("content", [b"", b"hi", b"PK\x03\x04 a beginning"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: bytes):
    checkpoint = tmp_path / "checkpoints" / "last.ckpt"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(content)
    for command in ("fit", "test"):
        with pytest.raises(UserError, match=f"^{checkpoint}: not a checkpoint that `fit` wrote"):
            main([command, "--config", str(SMOKE), "--trainer.default_root_dir", str(tmp_path)])
    assert checkpoint.read_bytes() == content


def test_a_supernet_is_no_checkpoint(tmp_path: Path):
    path = tmp_path / "supernet.pt"
    write_supernet(path, build_supernet(get_space("sam-nano")), {})
    options = ["--trainer.default_root_dir", str(tmp_path), "--ckpt_path", str(path)]
    with pytest.raises(UserError, match=f"^{path}: not a checkpoint that `fit` wrote"):
        main(["test", "--config", str(SMOKE), *options])


@pytest.mark.parametrize(
    ("number", "code", "says"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "inter")]
)
def test_a_run_that_was_stopped_does_not_exit_as_done(
    number: int, code: int, says: str, prepared_speech: Path, tmp_path: Path
):
    options = smoke_arguments(prepared_speech, tmp_path, "--trainer.max_steps", "10000")
    # A shell that was put into the background makes its children deaf to SIGINT.
    hears = ["env", "--default-signal=INT,TERM"]
    command = [*hears, sys.executable, "-m", "lightning_modules", "fit", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not (tmp_path / "checkpoints" / "last.ckpt").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    assert errors.rstrip().splitlines()[-1].startswith(says)


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_every_command_is_listed(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "argv", ["lightning_modules", *arguments])
    assert dispatch() == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]]
    assert listed == [*TRAINER, *COMMANDS]


def test_a_command_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["lightning_modules", "bogus"])
    with pytest.raises(
        UserError, match=r"^command 'bogus': expected one of fit, validate, test, c"
    ):
        dispatch()


@pytest.mark.parametrize("given", [[], ["--ckpt_path", "last"]])
def test_judging_needs_a_checkpoint(given: list[str], tmp_path: Path):
    arguments = ["--config", str(SMOKE), "--trainer.default_root_dir", str(tmp_path), *given]
    with pytest.raises(UserError, match=r"holds no checkpoints/last.ckpt; run `fit` first or give"):
        main(["validate", *arguments])
