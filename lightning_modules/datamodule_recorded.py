"""Real recordings in every training batch, beside generated clips.

Legend: B labelled clips of a batch, U unlabelled ones, T samples.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lightning_modules.datamodule_batches import Batch
from lightning_modules.datamodule_places import clips_of_share, places
from lightning_modules.spans_clips import RecordedClips

_LABELLED, _UNLABELLED, _ORDER = 2, 3, 4  # streams of the shuffles, beside those of generated clips


class RecordedPart:
    """The clips of real recordings in batch ``step``: a function of the seed and the step.

    As with generated clips, each pass sees every clip once, in another order.

    Args:
        clips: labelled and unlabelled ones.
        share: of recorded clips in the labelled clips of a batch, and in the unlabelled ones if
            there is sound without a label.
        labelled_batch_size: B.
        unlabelled_batch_size: U.
        seed: entropy of the order.

    Raises:
        UserError: the share is no clip of B, or leaves none that is generated.
    """

    def __init__(
        self,
        clips: RecordedClips,
        share: float,
        labelled_batch_size: int,
        unlabelled_batch_size: int,
        seed: int,
    ) -> None:
        self.labelled = clips_of_share("recordings_share", share, labelled_batch_size)
        has_sound = len(clips.unlabelled) > 0
        self.unlabelled = round(share * unlabelled_batch_size) if has_sound else 0
        self._clips = clips
        self._seed = seed

    def join(self, batch: Batch, step: int) -> Batch:
        """The batch of generated clips with the recorded ones, in mixed order."""
        train = self._clips.train
        chosen = places(self._seed, _LABELLED, step, self.labelled, len(train.clips))
        unlabelled = places(
            self._seed, _UNLABELLED, step, self.unlabelled, len(self._clips.unlabelled)
        )
        recorded = {
            "labelled": {
                "waveform": torch.from_numpy(train.clips.stacked(chosen)),
                "lo": torch.from_numpy(train.lo[chosen]),
                "hi": torch.from_numpy(train.hi[chosen]),
            },
            "unlabelled": {
                "waveform": torch.from_numpy(self._clips.unlabelled.stacked(unlabelled))
            },
        }
        return {
            name: in_mixed_order(part, recorded[name], (self._seed, stream, step))
            for stream, (name, part) in enumerate(batch.items(), start=_ORDER)
        }


def in_mixed_order(
    part: dict[str, Tensor], more: dict[str, Tensor], entropy: tuple[int, ...]
) -> dict[str, Tensor]:
    """Both parts joined; which come first matters, for count addition replaces the first."""
    rows = len(part["waveform"]) + len(more["waveform"])
    order = torch.from_numpy(np.random.default_rng(entropy).permutation(rows))
    return {field: torch.cat([part[field], more[field]])[order] for field in part}
