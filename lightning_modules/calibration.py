"""Which unlabelled clips give a net its batch norm statistics: an even spread over what they hold.

C chosen clips, P clips of the pool, T samples, N outputs.

Batch norm statistics rise and fall with the number of voices: a hundred random clips whose mean
count is off by 0.5, which is nothing unusual, shift every estimate of the net by about as much.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lightning_modules.datamodule_base import StreamDataModule
from search_spaces.clips_file import to_float32
from search_spaces.task import Task

POOL_PER_CLIP = 4  # clips of the pool for each one chosen
BATCH = 64


def choose_clips(
    data: StreamDataModule, teacher: nn.Module, task: Task, number: int, seed: int
) -> NDArray[np.int16]:
    """Unlabelled training clips spread evenly over what they hold, as the teacher hears it.

    Args:
        data: set up.
        teacher: plain net with its own batch norm statistics, in evaluation mode.
        task: that tells what the teacher says; see `Task.order`.
        number: C; fewer if the data hold fewer.
        seed: of their order.

    Returns:
        int16 [C, T].
    """
    pool = data.calibration_clips(POOL_PER_CLIP * number)
    device = next(teacher.parameters()).device
    order = task.order(run(teacher, pool, task, device))
    return pool[spread_evenly(order, min(number, len(pool)), seed)]


@torch.no_grad()
def run(
    net: nn.Module, samples: NDArray[np.int16], task: Task, device: torch.device
) -> NDArray[np.float64]:
    """A net's probabilities for clips int16 [P, T]: float64 [P, N]."""
    probabilities = []
    for start in range(0, len(samples), BATCH):
        waveform = torch.from_numpy(to_float32(samples[start : start + BATCH])).to(device)
        probabilities.append(task.probabilities(net(waveform).double()).cpu().numpy())
    return np.concatenate(probabilities)


def spread_evenly(expected: np.ndarray, number: int, seed: int) -> NDArray[np.int64]:
    """Choose ``number`` of the clips so that what they hold is spread as in all of them.

    Systematic sampling (Cochran, Sampling Techniques, chapter 8) along ``expected`` [P]; the
    order is then shuffled, so that every batch of them is spread as well.

    Returns:
        int64 [number], indices.
    """
    places = (np.arange(number) + 0.5) * len(expected) / number
    chosen = np.argsort(expected, kind="stable")[places.astype(np.int64)]
    return np.random.default_rng(seed).permutation(chosen)
