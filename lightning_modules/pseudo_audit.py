"""Whether pseudo-labels are right, told on clips whose label is known: those of the validation.

To the teacher they are unlabelled clips like any other; their labels are in the budget already.

U clips, N outputs.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_modules.views import TargetView, near
from search_spaces.task import Task


class PseudoLabelAudit:
    """Counts, batch by batch, how many clips are pseudo-labelled and how many of them rightly.

    Where several outputs may be right, each of a clip's outputs is counted by itself.

    Args:
        task: of the labels.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.clear()

    def clear(self) -> None:
        """Forget what was counted."""
        self.counts = torch.zeros(4, dtype=torch.float64)  # clips, labelled, right, near

    def add(self, view: TargetView, lo: Tensor, hi: Tensor) -> None:
        """One batch: the teacher's targets for U clips whose labels are lo and hi."""
        used, radius = view.weight > 0, near(self.task)
        guess = view.target.round() if self.task.several else view.target.argmax(dim=1)
        right = used & (guess >= lo) & (guess <= hi)
        nearly = used & (guess >= lo - radius) & (guess <= hi + radius)
        found = [used.numel(), used.sum().item(), right.sum().item(), nearly.sum().item()]
        self.counts += torch.tensor(found, dtype=torch.float64)

    def metrics(self) -> dict[str, float]:
        """Share and accuracy; no accuracy where no clip is pseudo-labelled."""
        clips, labelled, right, nearly = self.counts.tolist()
        if not clips:
            return {}
        result = {"pseudo_label_share": labelled / clips}
        if labelled:
            result["pseudo_label_accuracy"] = right / labelled
            if self.task.ordered:
                result["pseudo_label_within_one"] = nearly / labelled
        return result
