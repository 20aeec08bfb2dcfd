"""Clips of synthetic voices in every training batch, whose counts nobody had to hear.

Legend: B labelled clips of a batch, T samples.
"""

from __future__ import annotations

import numpy as np
import torch

from lightning_modules.datamodule_batches import Batch
from lightning_modules.datamodule_places import clips_of_share
from lightning_modules.datamodule_recorded import in_mixed_order
from lightning_modules.mixtures import Mixtures

_ORDER = 8  # stream, beside those of recordings and sums


class SyntheticPart:
    """The clips of synthetic voices in batch ``step``: a function of the step, each heard once.

    Args:
        mixtures: of these voices, with every count known.
        share: of these clips in the labelled ones of a batch.
        labelled_batch_size: B, without those of other parts.
        seed: entropy of the order.

    Raises:
        UserError: the share is no clip of B, or leaves none that is labelled.
    """

    unlabelled = 0

    def __init__(
        self, mixtures: Mixtures, share: float, labelled_batch_size: int, seed: int
    ) -> None:
        self.labelled = clips_of_share("synthetic_share", share, labelled_batch_size)
        self._mixtures = mixtures
        self._seed = seed

    def join(self, batch: Batch, step: int) -> Batch:
        """The batch with these clips among its labelled ones, in mixed order."""
        first = step * self.labelled
        clips = [self._mixtures[first + number] for number in range(self.labelled)]
        counts = torch.tensor([int(clip.count) for clip in clips])
        spoken = {
            "waveform": torch.from_numpy(np.stack([clip.samples for clip in clips])),
            "lo": counts,
            "hi": counts,
        }
        order = (self._seed, _ORDER, step)
        return {**batch, "labelled": in_mixed_order(batch["labelled"], spoken, order)}
