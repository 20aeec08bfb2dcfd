"""The progress of a run that is counted in steps: a bar, or lines where there is no terminal."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar

LINES = 20  # of a run that is not watched


class StepsProgressBar(RichProgressBar):
    """`RichProgressBar` that knows how many epochs `max_steps` makes, where Lightning shows -2."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        super().on_train_start(trainer, pl_module)
        self.started, self.first_step = time.monotonic(), trainer.global_step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        """Move the bar, or write a line now and then."""
        super().on_train_batch_end(trainer, pl_module, *args, **kwargs)
        step, steps = trainer.global_step, trainer.max_steps
        watched = sys.stderr.isatty() or not trainer.is_global_zero
        moved = step > self.first_step  # not where gradients accumulate
        if watched or not moved or steps == -1 or step % max(1, steps // LINES):
            return
        per_step_s = (time.monotonic() - self.started) / (step - self.first_step)
        left_min = (steps - step) * per_step_s / 60
        print(f"step {step}/{steps}, about {left_min:.0f} min left", file=sys.stderr, flush=True)

    def _get_train_description(self, current_epoch: int) -> str:
        trainer = self.trainer
        if trainer.max_steps == -1:
            return super()._get_train_description(current_epoch)
        epochs = math.ceil(trainer.max_steps / trainer.num_training_batches)
        description = f"Epoch {current_epoch + 1}/{epochs}"
        return f"{description:{len(self.validation_description)}}"
