"""Which unlabelled clips give a net its batch norm statistics: an even spread over the counts.

C chosen clips, P clips of the pool, T samples, N number of counts.

Batch norm statistics rise and fall with the number of voices: a hundred random clips whose mean
count is off by 0.5, which is nothing unusual, shift every estimate of the net by about as much.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from lightning_modules.datamodule import AmbianceDataModule
from search_spaces.clips_file import to_float32

POOL_PER_CLIP = 4  # clips of the pool for each one chosen
BATCH = 64


def choose_clips(
    data: AmbianceDataModule, teacher: nn.Module, number: int, seed: int
) -> NDArray[np.int16]:
    """Unlabelled training clips whose counts, as far as the teacher can tell, are spread evenly.

    Args:
        data: set up.
        teacher: plain net with its own batch norm statistics, in evaluation mode.
        number: C; fewer if the data hold fewer.
        seed: of their order.

    Returns:
        int16 [C, T].
    """
    pool = data.calibration_clips(POOL_PER_CLIP * number)
    device = next(teacher.parameters()).device
    expected = expected_counts(teacher, pool, device)
    return pool[spread_evenly(expected, min(number, len(pool)), seed)]


@torch.no_grad()
def expected_counts(net: nn.Module, samples: NDArray[np.int16], device: torch.device) -> np.ndarray:
    """Mean of a net's distribution over counts for clips int16 [P, T]: float64 [P]."""
    expected = []
    for start in range(0, len(samples), BATCH):
        waveform = torch.from_numpy(to_float32(samples[start : start + BATCH])).to(device)
        probabilities = functional.softmax(net(waveform).double(), dim=1)
        counts = torch.arange(probabilities.shape[1], dtype=torch.float64, device=device)
        expected.append((probabilities @ counts).cpu().numpy())
    return np.concatenate(expected)


def spread_evenly(expected: np.ndarray, number: int, seed: int) -> NDArray[np.int64]:
    """Choose ``number`` of the clips so that their counts are spread as those of all.

    Systematic sampling (Cochran, Sampling Techniques, chapter 8) along the expected count [P]; the
    order is then shuffled, so that every batch of them is spread as well.

    Returns:
        int64 [number], indices.
    """
    places = (np.arange(number) + 0.5) * len(expected) / number
    chosen = np.argsort(expected, kind="stable")[places.astype(np.int64)]
    return np.random.default_rng(seed).permutation(chosen)
