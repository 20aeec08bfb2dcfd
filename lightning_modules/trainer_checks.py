"""What of Lightning's trainer the kit refuses before hours are spent."""

from __future__ import annotations

import math
from typing import Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import Checkpoint, ProgressBar

from search_spaces.errors import UserError

# Front ends and losses are float32 in all of these; with weights of another kind they do not meet.
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
SHORT_PRECISIONS = ("None", "32", "bf16", "16")  # Lightning's other names of these


def check_numbers(options: Any) -> None:
    """Refuse a precision that the kit does not train in, and gradients clipped to less than 0.

    Args:
        options: of the trainer, as the configuration has them.

    Raises:
        UserError: naming the option, the value and what is expected.
    """
    if str(options.precision) not in (*PRECISIONS, *SHORT_PRECISIONS):
        raise UserError(
            f"trainer.precision: got {options.precision}, expected {', '.join(PRECISIONS)}"
        )
    clip = options.gradient_clip_val
    if clip is not None and not 0 <= clip < math.inf:  # a negative one turns gradients round
        raise UserError(f"trainer.gradient_clip_val: got {clip:g}, expected 0 (off) or more")


def check_length(trainer: Trainer) -> None:
    """Refuse a run of unknown length, whose learning rate could not fall.

    Raises:
        UserError: neither steps nor epochs are limited, or no step is asked for; or steps are
            logged every 0; or the same batches are to come again.
    """
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    if every < 1:
        raise UserError(f"trainer.log_every_n_steps: got {every}, expected 1 or more")
    for name in ("max_steps", "max_epochs", "limit_train_batches"):
        if getattr(trainer, name) == 0:
            raise UserError(f"trainer.{name}: got 0, which trains nothing; give 1 or more")
    repeated: float = trainer.overfit_batches  # type: ignore[attr-defined]
    if repeated:  # Lightning would end an epoch after so many, and the next has others
        raise UserError(
            f"trainer.overfit_batches: got {repeated:g}, but every step takes another batch; give"
            " 0, and few data.labelled_clips"
        )
    if trainer.max_steps == -1 and trainer.max_epochs == -1:
        raise UserError(
            "trainer.max_steps: -1, but the learning rate falls to 0 at the last step; give a"
            " number of steps, or trainer.max_epochs (trainer.max_time may end it sooner)"
        )


def lasting_settings(trainer: Trainer) -> dict[str, Any]:
    """Options of the trainer that must be the same for a run to go on, as plain values."""
    clip = trainer.gradient_clip_val or 0.0
    values: dict[str, Any] = {
        "precision": str(trainer.precision),
        "accumulate_grad_batches": int(trainer.accumulate_grad_batches),
        "gradient_clip_val": float(clip),
    }
    if clip:
        algorithm = trainer.gradient_clip_algorithm or "norm"
        values["gradient_clip_algorithm"] = str(getattr(algorithm, "value", algorithm))
    return values


def switched_off(options: Any) -> tuple[type[Callback], ...]:
    """Kinds of callbacks that the trainer's options switch off.

    The kit's configurations name their bar and checkpoints, and Lightning refuses one that is named
    and switched off: nobody could do so on the command line.

    Args:
        options: of the trainer, as the configuration has them.
    """
    asked = ((options.enable_progress_bar, ProgressBar), (options.enable_checkpointing, Checkpoint))
    return tuple(kind for value, kind in asked if value is False)


def is_try(trainer: Trainer) -> bool:
    """Whether a batch is run to see that it runs: `fast_dev_run`, which is to leave nothing."""
    return bool(trainer.fast_dev_run)  # type: ignore[attr-defined]
