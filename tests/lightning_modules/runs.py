"""Training runs in processes of their own, some of which kill themselves at a chosen point."""

from __future__ import annotations

import csv
import multiprocessing
import os
import signal
import sys
from pathlib import Path

SMOKE = Path(__file__).parents[2] / "lightning_modules" / "configs" / "smoke.yaml"
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["lightning_modules.cli", "search_spaces.nni_adapter"])


# What `data.held_features` asks for, and few steps.
SOUNDLESS = [
    *("--data.unlabelled_batch_size", "0", "--model.count_addition.enabled", "false"),
    *("--model.pseudo_labels.enabled", "false", "--model.additivity.enabled", "false"),
    *("--model.weak_augmentation.speed", "0", "--trainer.max_steps", "4"),
]


def smoke_arguments(speech: Path, folder: Path, *options: str) -> list[str]:
    """Options of a run of the smallest config on given speech."""
    return [
        *("--config", str(SMOKE), "--data.speech", str(speech), "--data.labelled_clips", "20"),
        *("--trainer.default_root_dir", str(folder), "--trainer.enable_progress_bar", "false"),
        *("--trainer.callbacks", "[]"),
        *("--trainer.callbacks+=lightning_modules.checkpoints.RunCheckpoint",),
        *("--trainer.callbacks.every_n_train_steps", "2"),
        *("--trainer.callbacks+=lightning_modules.export.ExportSupernet",),
        *("--trainer.callbacks.validation_sums", "4"),
        *("--trainer.callbacks.calibration_clips", "3"),
        *options,
    ]


def run(
    arguments: list[str], kill_at: tuple[str, int] | None = None, errors: Path | None = None
) -> int:
    """Exit code of `python -m lightning_modules <arguments>`; -9 if it was killed.

    Args:
        arguments: subcommand and options.
        kill_at: a point (see `_child`) and at which of its calls to send SIGKILL.
        errors: a file for what the run writes to stderr.
    """
    process = _context.Process(target=_child, args=(arguments, kill_at, errors))
    process.start()
    process.join()
    return process.exitcode


def _child(arguments: list[str], kill_at: tuple[str, int] | None, errors: Path | None) -> None:
    import torch

    from lightning_modules import cli, ema, module
    from search_spaces import files
    from search_spaces.errors import run_command

    points = {
        "training step": (module.SupernetModule, "_log_step"),
        "optimiser step": (module, "update_average"),
        "validation": (module.SupernetModule, "validation_step"),
        "checkpoint": (files.Path, "replace"),
    }
    torch.set_num_threads(1)
    if errors is not None:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
    if kill_at is not None:
        owner, name = points[kill_at[0]]
        assert ema.update_average is module.update_average
        original, calls = getattr(owner, name), 0

        def deadly(*args, **kwargs):
            nonlocal calls
            calls += kill_at[0] != "checkpoint" or str(args[1]).endswith("last.ckpt")
            if calls == kill_at[1]:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        setattr(owner, name, deadly)
    os._exit(run_command(lambda: cli.main(arguments)))


def metrics(folder: Path) -> list[dict[str, str]]:
    """Rows of `metrics.csv`."""
    with (folder / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))
