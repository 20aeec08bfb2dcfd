"""What the teacher's labels are held against: how often each count is labelled, said and learned.

U unlabelled clips, B labelled clips, N number of counts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.clip import NUM_COUNTS

DECAY = 0.99  # of the running means, per step
SMOOTHING = 0.1  # share of an even distribution in each mean: no ratio of two becomes extreme
LOWEST_THRESHOLD = 0.5  # of the threshold: what a count not learned at all is asked for


class PseudoLabelStatistics(nn.Module):
    """Running means over the steps; buffers, so that a checkpoint holds them.

    No prior over counts is assumed: what the teacher says is aligned with what the labels say.
    """

    labels: Tensor
    teacher: Tensor
    confident: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("labels", "teacher", "confident"):
            self.register_buffer(name, torch.full((NUM_COUNTS,), 1.0 / NUM_COUNTS))

    @torch.no_grad()
    def update(self, lo: Tensor, hi: Tensor, probabilities: Tensor, confident: Tensor) -> None:
        """Take in one step.

        Args:
            lo: int64 [B], of the labelled clips as they were drawn, without sums of them.
            hi: int64 [B]; a label that spans several counts is shared among them.
            probabilities: [U, N], the teacher's.
            confident: bool [U], where it is sure.
        """
        counts = torch.arange(NUM_COUNTS, device=lo.device)
        inside = ((counts >= lo[:, None]) & (counts <= hi[:, None])).float()
        learned = functional.one_hot(probabilities.argmax(dim=1), NUM_COUNTS) * confident[:, None]
        for mean, new in (
            (self.labels, (inside / inside.sum(dim=1, keepdim=True)).mean(dim=0)),
            (self.teacher, probabilities.mean(dim=0)),
            (self.confident, learned.float().mean(dim=0)),
        ):
            mean.lerp_(new.to(mean), 1.0 - DECAY)

    def align(self, probabilities: Tensor, strength: float) -> Tensor:
        """Distribution alignment (ReMixMatch, Berthelot et al. 2020, section 3.1) of [U, N].

        Args:
            probabilities: the teacher's.
            strength: exponent of the correction: 0 leaves them, 1 is ReMixMatch's.
        """
        ratio = _smooth(self.labels) / _smooth(self.teacher)
        aligned = probabilities * ratio**strength
        return aligned / aligned.sum(dim=1, keepdim=True)

    def thresholds(self, threshold: float) -> Tensor:
        """A threshold per count [N]: lower where less is learned (FlexMatch, Zhang et al. 2021).

        Equation 7 with the convex mapping of equation 12. How much is learned of a count is seen
        against how often it is labelled, where FlexMatch expects all classes equally often.
        """
        learned = self.confident / _smooth(self.labels)
        status = learned / learned.max().clamp_min(1e-6)
        return threshold * (status / (2.0 - status)).clamp_min(LOWEST_THRESHOLD)


def _smooth(mean: Tensor) -> Tensor:
    return (1.0 - SMOOTHING) * mean + SMOOTHING / NUM_COUNTS
