"""Slurm's warning that time is up, heeded between two steps and by all processes at once.

Lightning saves and requeues in the signal's handler, wherever the step then is: a batch may be
lost, and processes that are a step apart wait for each other for ever. Here Lightning's handler
runs after the step, its checkpoint takes the place of the run's last one, and the processes end.
Slurm sends SIGTERM to a requeued job at once, at which Lightning broadcasts amid whatever its
processes exchange, and one aborts: it is ignored by then. Before the first step, while speech is
decoded, Lightning listens to no signal, and the warning would end the job for good.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.plugins.environments import SLURMEnvironment

from lightning_modules.checkpoints import FOLDER, LAST

WARNING = signal.SIGUSR1


def requeue_while_preparing() -> None:
    """Until Lightning listens: let Slurm's warning requeue the job, which has no step to save."""
    if {"SLURM_JOB_ID", "SLURM_PROCID"} <= os.environ.keys():
        signal.signal(WARNING, _requeue if os.environ["SLURM_PROCID"] == "0" else _leave_it)


def _requeue(_number: int, _frame: Any) -> None:
    # Slurm ends the job then; where it refuses, the work goes on until the time is up.
    subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], check=False)


def _leave_it(_number: int, _frame: Any) -> None:
    """The first process asks for all."""


class RequeueBetweenSteps(pl.Callback):
    """Does nothing unless the run is a job of Slurm whose requeueing Lightning handles.

    Raises:
        SystemExit: once saved, in all processes; not 0, for jobs that wait until this one is done.
    """

    def __init__(self) -> None:
        self.requeue: Callable[[int, Any], Any] | None = None
        self.asked = 0  # the signal, once it came

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Make way for Lightning's handler, which takes no other's place."""
        if signal.getsignal(WARNING) in (_requeue, _leave_it):
            signal.signal(WARNING, signal.SIG_DFL)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the place of Lightning's handler, which is registered by now."""
        environment = trainer._accelerator_connector.cluster_environment
        if not isinstance(environment, SLURMEnvironment) or not environment.auto_requeue:
            return
        number = environment.requeue_signal
        handler = signal.getsignal(number) if number is not None else None
        if number is not None and callable(handler):
            self.requeue = handler
            signal.signal(number, self._ask)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        """Save and requeue if asked, unless a validation follows: its metrics belong to it."""
        fetcher: Any = trainer.fit_loop._data_fetcher
        if not trainer.fit_loop.epoch_loop._should_check_val_fx(fetcher):
            self._save_if_asked(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save and requeue if asked."""
        self._save_if_asked(trainer)

    def _ask(self, number: int, _frame: Any) -> None:
        self.asked = number

    def _save_if_asked(self, trainer: pl.Trainer) -> None:
        if self.requeue is None:
            return
        # Processes get the signal at different moments, and must save the same step.
        if not trainer.strategy.reduce_boolean_decision(bool(self.asked), all=False):
            return
        requeue, self.requeue = self.requeue, None
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # before any process asks to be requeued
        requeue(self.asked, None)
        if trainer.is_global_zero:
            run_folder = Path(trainer.default_root_dir)
            (run_folder / FOLDER).mkdir(exist_ok=True)
            for saved in run_folder.glob("hpc_ckpt_*.ckpt"):
                saved.replace(run_folder / FOLDER / LAST)
            told = f"saved step {trainer.global_step} and asked Slurm to requeue the job"
            print(f"{run_folder}: {told}; started again, it goes on from there", file=sys.stderr)
        trainer.strategy.barrier()  # srun may kill the others when one ends
        raise SystemExit(os.EX_TEMPFAIL)
