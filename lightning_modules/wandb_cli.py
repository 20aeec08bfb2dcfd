"""How training's command line sets up Weights & Biases; it is imported only where asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import Logger

from search_spaces.wandb_options import PROJECT, WandbOptions, read_wandb_options
from search_spaces.wandb_run import check_online

CLASS = "WandbLogger"
PRIVATE_CLASS = "lightning_modules.wandb_logger.PrivateWandbLogger"


def prepare_wandb(options: Mapping[str, Any], loggers: Sequence[Any], folder: Path) -> None:
    """Give the YAML's W&B loggers the kit's privacy and the run folder; check what is online.

    Args:
        options: of the subcommand.
        loggers: of the YAML, as class path and arguments.
        folder: of the run.

    Raises:
        UserError: W&B cannot be reached though it should.
    """
    asked = read_wandb_options(options, folder)
    for logger in loggers:
        if not getattr(logger, "class_path", "").endswith(CLASS):
            continue
        logger.class_path = PRIVATE_CLASS
        if logger.init_args.save_dir == ".":
            logger.init_args.save_dir = str(folder)
        if not logger.init_args.offline:
            asked = WandbOptions("online", PROJECT, None, folder)
    check_online(asked)


def asked_loggers(options: Mapping[str, Any], folder: Path, job_type: str) -> list[Logger]:
    """The logger that `--wandb` asks for, if it does.

    Args:
        options: of the subcommand.
        folder: of the run.
        job_type: the subcommand.
    """
    asked = read_wandb_options(options, folder)
    if asked is None:
        return []
    from lightning_modules.wandb_logger import PrivateWandbLogger

    return [
        PrivateWandbLogger(
            save_dir=asked.folder,
            offline=asked.mode == "offline",
            project=asked.project,
            group=asked.group,
            name=folder.name,
            job_type=job_type,
        )
    ]


def log_lineage(trainer: Trainer) -> None:
    """Let each W&B logger of the trainer also tell what the run read and made."""
    found = [logger for logger in trainer.loggers if type(logger).__name__.endswith(CLASS)]
    if found:
        from lightning_modules.wandb_callback import WandbLineage

        callbacks = [WandbLineage(logger) for logger in found]  # type: ignore[arg-type]
        trainer.callbacks.extend(callbacks)  # type: ignore[attr-defined]
