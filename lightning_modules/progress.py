"""The progress bar of a run that is counted in steps."""

from __future__ import annotations

import math

from lightning.pytorch.callbacks import RichProgressBar


class StepsProgressBar(RichProgressBar):
    """`RichProgressBar` that knows how many epochs `max_steps` makes, where Lightning shows -2."""

    def _get_train_description(self, current_epoch: int) -> str:
        trainer = self.trainer
        if trainer.max_steps == -1:
            return super()._get_train_description(current_epoch)
        epochs = math.ceil(trainer.max_steps / trainer.num_training_batches)
        description = f"Epoch {current_epoch + 1}/{epochs}"
        return f"{description:{len(self.validation_description)}}"
