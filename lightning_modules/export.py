"""What training leaves for search and lowering: `supernet.pt` and `clips.npz` in the run folder.

One fixed net leaves `subnet.pt`, `clips.npz` and, as a search would, a `frontier.json`.

V validation clips, S sums of them, C calibration clips, T samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import nn

from lightning_modules.additivity import plan_sums, sum_clips, sum_labels
from lightning_modules.calibration import choose_clips
from lightning_modules.clip_changes import random_level
from lightning_modules.datamodule_base import StreamDataModule
from lightning_modules.module import SupernetModule
from lightning_modules.randomness import torch_generator
from lightning_modules.trainer_checks import is_try
from search_spaces.clip import MAX_COUNT
from search_spaces.clips_file import Clips, to_float32, to_int16, write_clips
from search_spaces.errors import UserError
from search_spaces.files import sha256_json
from search_spaces.frontier import save_weights
from search_spaces.single import write_single
from search_spaces.supernet import Supernet
from search_spaces.supernet_file import read_training, write_supernet
from search_spaces.task import Task

SUPERNET, SUBNET, CLIPS = "supernet.pt", "subnet.pt", "clips.npz"
TUNED = "-tuned"  # ends the name of a net that began with trained weights


class ExportSupernet(pl.Callback):
    """Writes the teacher's weights with every checkpoint, and at the end also the clips.

    Args:
        validation_sums: sums of validation clips that join them in `clips.npz`, where labels add.
        calibration_clips: unlabelled training clips in `clips.npz`.
        max_summands: validation clips in one sum at most.

    Raises:
        UserError: a number out of range.
    """

    def __init__(
        self, validation_sums: int = 400, calibration_clips: int = 256, max_summands: int = 4
    ) -> None:
        for name, value, least in (
            ("validation_sums", validation_sums, 0),
            ("calibration_clips", calibration_clips, 1),
            ("max_summands", max_summands, 2),
        ):
            if value < least:
                raise UserError(f"ExportSupernet.{name}: got {value}, expected {least} or more")
        self.validation_sums = validation_sums
        self.calibration_clips = calibration_clips
        self.max_summands = max_summands

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: Any, checkpoint: dict[str, Any]
    ) -> None:
        """Write the weights of this step."""
        write_weights(trainer, pl_module)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write the final weights and the clips; nothing of a try."""
        if is_try(trainer):
            return
        write_weights(trainer, pl_module)
        if trainer.is_global_zero:
            clips = make_clips(
                datamodule(trainer),
                pl_module.teacher_net(),
                exact=pl_module.recipe.counts_add_exactly,
                task=pl_module.task,
                seed=pl_module.seed,
                num_sums=self.validation_sums if pl_module.task.adds else 0,
                max_summands=self.max_summands,
                num_calibration=self.calibration_clips,
            )
            folder = Path(trainer.default_root_dir)
            write_clips(folder / CLIPS, clips)
            fixed = pl_module.students.fixed
            if fixed is not None:
                net = pl_module.teacher_net().cpu()
                suffix = TUNED if pl_module.students.initial_weights else ""
                if pl_module.transfer is not None:
                    suffix = f"-{pl_module.transfer.pictures.cnn}"
                write_single(
                    folder,
                    fixed,
                    net,
                    folder / SUBNET,
                    folder / CLIPS,
                    pl_module.seed,
                    pl_module.task,
                    suffix,
                )


def datamodule(trainer: pl.Trainer) -> StreamDataModule:
    """The data of the run."""
    return trainer.datamodule  # type: ignore[attr-defined]


def write_weights(trainer: pl.Trainer, module: SupernetModule) -> None:
    """Write the teacher's weights to `supernet.pt`, or to `subnet.pt` if it is one fixed net."""
    if not trainer.is_global_zero:
        return
    folder = Path(trainer.default_root_dir)
    settings, began_with = module.settings(), module.students.initial_weights
    training = {
        **datamodule(trainer).provenance(),
        "initial_weights_sha256": module.students.initial_sha256,
        "initial_training": None if began_with is None else _in_short(read_training(began_with)),
        "steps": trainer.global_step,
        "settings": settings,
        "settings_sha256": sha256_json(settings),
    }
    if isinstance(module.teacher, Supernet):
        write_supernet(folder / SUPERNET, module.teacher, training, module.task)
        return
    architecture = module.students.teacher
    outputs = len(module.task.outputs)
    save_weights(folder / SUBNET, architecture, module.teacher, outputs, training)


def _in_short(training: Mapping[str, Any]) -> dict[str, Any]:
    """What the card of a net says of the training that it began with."""
    fields = ("protocol", "labelled_clips", "steps")
    said = {name: training[name] for name in fields if name in training}
    return {"speech": training.get("speech", {}).get("kind"), **said}


def make_clips(
    data: StreamDataModule,
    teacher: nn.Module,
    exact: bool,
    task: Task,
    seed: int,
    num_sums: int,
    max_summands: int,
    num_calibration: int,
) -> Clips:
    """Validation clips, sums of them, and calibration clips.

    The label budget counts only the originals: a sum's label follows from theirs.

    Args:
        data: set up.
        teacher: plain net that tells what calibration clips hold.
        exact: whether counts add exactly.
        task: of the labels.
        seed: of the choice of sums.
        num_sums: S.
        max_summands: clips with speech in one sum at most.
        num_calibration: C.
    """
    samples, lo, hi = data.validation_clips()
    calibration = choose_clips(data, teacher, task, num_calibration, seed)
    if not num_sums:
        return Clips(samples, lo, hi, np.ones(len(lo), bool), calibration, task.to_json())
    waveform = torch.from_numpy(to_float32(samples))
    lo_tensor, hi_tensor = torch.from_numpy(lo), torch.from_numpy(hi)
    draws = torch_generator(seed, 0, "validation sums")
    members = plan_sums(hi_tensor, num_sums, max_summands, MAX_COUNT, draws)
    members = members[(members >= 0).sum(dim=1) > 1]  # a row of one clip is no sum
    sums = random_level(sum_clips(waveform, hi_tensor.float(), members, draws), draws)
    sum_lo, sum_hi = sum_labels(lo_tensor, hi_tensor, members, exact)
    return Clips(
        validation_waveform=np.concatenate([samples, to_int16(sums.numpy())]),
        validation_lo=np.concatenate([lo, sum_lo.numpy()]),
        validation_hi=np.concatenate([hi, sum_hi.numpy()]),
        validation_original=np.arange(len(lo) + len(sum_lo)) < len(lo),
        calibration_waveform=calibration,
        task=task.to_json(),
    )
