"""What a task asks of the training, whatever the task.

B clips, N outputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from search_spaces.task import Task


class Objective(ABC):
    """Losses and targets of one task.

    Args:
        task: says what the outputs mean.
    """

    def __init__(self, task: Task) -> None:
        self.task = task

    @abstractmethod
    def likelihood(self, logits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
        """Mean negative log likelihood of labels (see `search_spaces.task`), or its stand-in."""

    def labelled(self, logits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
        """Loss of logits [B, N] against labels: the likelihood, unless more is asked."""
        return self.likelihood(logits, lo, hi)

    @abstractmethod
    def soft(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Loss of logits [B, N] against probabilities [B, N]; weight as `sure` gives it."""

    @abstractmethod
    def distil(self, logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Loss of logits [B, N] against those of a teacher, which get no gradient."""

    @abstractmethod
    def sure(self, probabilities: Tensor, threshold: float | Tensor, radius: int) -> Tensor:
        """Where probabilities [B, N] reach ``threshold``: bool [B] or [B, N].

        Args:
            probabilities: the teacher's.
            threshold: for all clips, or for each [B].
            radius: outputs so near to the likeliest count as it; for ordered ones.
        """

    @abstractmethod
    def harden(self, probabilities: Tensor) -> Tensor:
        """What probabilities [B, N] say, as probabilities of 0 and 1."""

    @abstractmethod
    def surprise(self, probabilities: Tensor, target: Tensor) -> Tensor:
        """Loss of each clip [B] for probabilities [B, N] against a target [B, N]."""

    @abstractmethod
    def target(self, lo: Tensor, hi: Tensor) -> Tensor:
        """Labels as probabilities float32 [B, N]; what a label leaves open is shared evenly."""

    def probabilities(self, logits: Tensor) -> Tensor:
        """Logits [B, N] as probabilities, in float32."""
        return self.task.probabilities(logits.float())
