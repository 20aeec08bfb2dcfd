"""Whether pseudo-labels are right, told on clips whose label is known: those of the validation.

To the teacher they are unlabelled clips like any other; their labels are in the budget already.

U clips, N number of counts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_modules.views import PSEUDO_LABEL_RADIUS, TargetView


class PseudoLabelAudit:
    """Counts, batch by batch, how many clips are pseudo-labelled and how many of them rightly."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was counted."""
        self.counts = torch.zeros(4, dtype=torch.float64)  # clips, labelled, right, near

    def add(self, view: TargetView, lo: Tensor, hi: Tensor) -> None:
        """One batch: the teacher's targets for U clips whose labels are lo and hi int64 [U]."""
        used = view.weight > 0
        guess = view.target.argmax(dim=1)
        right = used & (guess >= lo) & (guess <= hi)
        near = used & (guess >= lo - PSEUDO_LABEL_RADIUS) & (guess <= hi + PSEUDO_LABEL_RADIUS)
        found = [len(used), used.sum().item(), right.sum().item(), near.sum().item()]
        self.counts += torch.tensor(found, dtype=torch.float64)

    @staticmethod
    def metrics(counts: Tensor) -> dict[str, float]:
        """Share and accuracy; no accuracy where no clip is pseudo-labelled.

        Args:
            counts: `counts`, those of several processes added.
        """
        clips, labelled, right, near = counts.tolist()
        if not clips:
            return {}
        result = {"pseudo_label_share": labelled / clips}
        if labelled:
            result["pseudo_label_accuracy"] = right / labelled
            result["pseudo_label_within_one"] = near / labelled
        return result
