"""Checkpoints from which a killed run goes on as if nothing had happened."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_modules.trainer_checks import is_try
from search_spaces.errors import UserError
from search_spaces.files import atomic_path
from search_spaces.torch_file import NOT_TORCH

FOLDER = "checkpoints"
LAST = "last.ckpt"


def last_checkpoint(run_folder: Path) -> Path | None:
    """The checkpoint from which a run in this folder goes on, if there is one."""
    path = run_folder / FOLDER / LAST
    return path if path.is_file() else None


def check_checkpoint(path: Path, weights_only: bool) -> None:
    """Refuse a file that is no checkpoint of Lightning; a word such as ``best`` is Lightning's.

    Raises:
        UserError: the file is damaged, or something else.
    """
    if not path.is_file():
        return
    try:
        value = torch.load(path, map_location="meta", weights_only=weights_only, mmap=True)
    except NOT_TORCH:
        value = None
    if not isinstance(value, dict) or "pytorch-lightning_version" not in value:
        raise UserError(
            f"{path}: not a checkpoint that `fit` wrote, or damaged; remove it, and `fit` begins"
            " anew, or give another --ckpt_path"
        )


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside the old one and renames it, so that a kill leaves one of the two.

    Lightning writes to the system's temporary folder and moves from there: on another file system
    that is a copy, and a kill amid it leaves half a file.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write ``checkpoint`` to ``path``; ``storage_options`` are not used."""
        content = io.BytesIO()
        torch.save(checkpoint, content)  # to memory: a full disk is then an OSError that says so
        with atomic_path(Path(path)) as temporary:
            temporary.write_bytes(content.getbuffer())


class RunCheckpoint(ModelCheckpoint):
    """`ModelCheckpoint` that keeps one file, ``checkpoints/last.ckpt`` in the run folder.

    Where a validation follows the step, it saves after the validation: Lightning would not run that
    one again on a resume, and its metrics would be lost if the run is killed during it.

    Args:
        every_n_train_steps: optimiser steps between two checkpoints.
        dirpath: another folder for them.

    Raises:
        UserError: no number of steps.
    """

    def __init__(self, every_n_train_steps: int = 100, dirpath: str | None = None) -> None:
        if every_n_train_steps < 1:
            raise UserError(
                f"RunCheckpoint.every_n_train_steps: got {every_n_train_steps}, expected at least 1"
            )
        super().__init__(
            dirpath=dirpath,
            every_n_train_steps=every_n_train_steps,
            save_last=True,
            save_top_k=0,
            enable_version_counter=False,
            # else Lightning forgets what it put off until the validation of an epoch's end
            save_on_train_epoch_end=False,
        )

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Choose the folder."""
        if self.dirpath is None:
            self.dirpath = str(Path(trainer.default_root_dir) / FOLDER)
        super().setup(trainer, pl_module, stage)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        """Save if a checkpoint is due, or leave it to the validation that follows."""
        fetcher: Any = trainer.fit_loop._data_fetcher
        if trainer.fit_loop.epoch_loop._should_check_val_fx(fetcher):
            due = trainer.global_step % self._every_n_train_steps == 0
            self._defer_save_until_validation = due
        else:
            super().on_train_batch_end(trainer, pl_module, *args, **kwargs)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the last step, but not of a try, which Lightning forgets here."""
        if not is_try(trainer):
            super().on_train_end(trainer, pl_module)
