"""What the teacher's labels are held against: how often each output is labelled, said and learned.

U unlabelled clips, B labelled clips, N outputs, of which one is right.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DECAY = 0.99  # of the running means, per step
SMOOTHING = 0.1  # share of an even distribution in each mean: no ratio of two becomes extreme
LOWEST_THRESHOLD = 0.5  # of the threshold: what a count not learned at all is asked for


class PseudoLabelStatistics(nn.Module):
    """Running means over the steps; buffers, so that a checkpoint holds them.

    No prior over outputs is assumed: what the teacher says is aligned with what the labels say.
    """

    labels: Tensor
    teacher: Tensor
    confident: Tensor

    def __init__(self, num_outputs: int) -> None:
        super().__init__()
        for name in ("labels", "teacher", "confident"):
            self.register_buffer(name, torch.full((num_outputs,), 1.0 / num_outputs))

    @torch.no_grad()
    def update(self, labels: Tensor, probabilities: Tensor, confident: Tensor) -> None:
        """Take in one step.

        Args:
            labels: [B, N], of the labelled clips as they were drawn, without sums of them; one
                that spans several counts is shared among them.
            probabilities: [U, N], the teacher's.
            confident: bool [U], where it is sure.
        """
        outputs = probabilities.shape[1]
        learned = functional.one_hot(probabilities.argmax(dim=1), outputs) * confident[:, None]
        for mean, new in (
            (self.labels, labels.mean(dim=0)),
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
    return (1.0 - SMOOTHING) * mean + SMOOTHING / len(mean)
