"""Sums of single voices in every training batch, beside the labelled clips.

Legend: B labelled clips of a batch, T samples.
"""

from __future__ import annotations

import numpy as np
import torch

from lightning_modules.datamodule_batches import Batch
from lightning_modules.datamodule_places import clips_of_share
from lightning_modules.datamodule_recorded import in_mixed_order
from lightning_modules.singles import Singles

_DRAWS, _ORDER = 6, 7  # streams, beside those of recordings


class SinglesPart:
    """The sums in batch ``step``: a function of the seed and the step, never the same twice.

    Args:
        singles: what they are made of.
        share: of sums in the labelled clips of a batch.
        labelled_batch_size: B, without those of other parts.
        seed: entropy of the sums.

    Raises:
        UserError: the share is no clip of B, or leaves none that is labelled.
    """

    unlabelled = 0

    def __init__(self, singles: Singles, share: float, labelled_batch_size: int, seed: int) -> None:
        self.labelled = clips_of_share("singles_share", share, labelled_batch_size)
        self._singles = singles
        self._seed = seed

    def join(self, batch: Batch, step: int) -> Batch:
        """The batch with the sums among its labelled clips, in mixed order."""
        rng = np.random.default_rng((self._seed, _DRAWS, step))
        drawn = [self._singles.draw(rng) for _ in range(self.labelled)]
        counts = torch.tensor([count for _, count in drawn])
        sums = {
            "waveform": torch.from_numpy(np.stack([sound for sound, _ in drawn])),
            "lo": counts,
            "hi": counts,
        }
        order = (self._seed, _ORDER, step)
        return {**batch, "labelled": in_mixed_order(batch["labelled"], sums, order)}
