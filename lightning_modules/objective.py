"""What a task asks of the training: its losses, its targets, and when the teacher is sure.

B clips, N outputs. Where one output is right, probabilities are a distribution; where several may
be, each output has a probability of its own, and so has its weight in a target.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lightning_modules import losses
from lightning_modules.objective_base import Objective
from lightning_modules.objective_embedding import ProximityObjective, TeacherObjective
from search_spaces.task import Task
from search_spaces.task_embedding import ProximityTask, TeacherTask

__all__ = ["Objective", "OneRight", "SeveralRight", "objective_of"]


class OneRight(Objective):
    """Softmax: cross entropy and, for ordered outputs, the squared earth mover's distance.

    Args:
        task: says what the outputs mean.
        emd_weight: of the squared earth mover's distance, for outputs that are ordered.
    """

    def __init__(self, task: Task, emd_weight: float = 0.0) -> None:
        super().__init__(task)
        self.emd_weight = emd_weight

    def likelihood(self, logits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
        """See `losses.interval_nll`."""
        return losses.interval_nll(logits, lo, hi)

    def labelled(self, logits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
        """Labels are int64 [B]."""
        loss = self.likelihood(logits, lo, hi)
        if self.emd_weight:
            loss = loss + self.emd_weight * losses.interval_squared_emd(logits, lo, hi)
        return loss

    def soft(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The same against distributions."""
        loss = losses.soft_cross_entropy(logits, target, weight)
        if self.emd_weight:
            loss = loss + self.emd_weight * losses.soft_squared_emd(logits, target, weight)
        return loss

    def distil(self, logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Cross entropy alone."""
        target = functional.softmax(teacher_logits.detach().float(), dim=-1)
        return losses.soft_cross_entropy(logits, target)

    def sure(self, probabilities: Tensor, threshold: float | Tensor, radius: int) -> Tensor:
        """By the probability within ``radius`` of the likeliest.

        Counts are ordered, and among many voices the neighbours of the right count are nearly as
        good; a threshold on the plain maximum (FixMatch, Sohn et al. 2020) would admit few loud
        rooms.
        """
        best = probabilities.argmax(dim=1, keepdim=True)
        outputs = torch.arange(probabilities.shape[1], device=probabilities.device)
        near = (outputs - best).abs() <= radius
        return (probabilities * near).sum(dim=1) >= threshold

    def harden(self, probabilities: Tensor) -> Tensor:
        """The likeliest output."""
        best = probabilities.argmax(dim=1, keepdim=True)
        return torch.zeros_like(probabilities).scatter_(1, best, 1.0)

    def surprise(self, probabilities: Tensor, target: Tensor) -> Tensor:
        """Of one distribution."""
        return -(target * probabilities.clamp_min(1e-9).log()).sum(dim=1)

    def target(self, lo: Tensor, hi: Tensor) -> Tensor:
        """Labels int64 [B] as distributions."""
        outputs = torch.arange(len(self.task.outputs), device=lo.device)
        inside = ((outputs >= lo[:, None]) & (outputs <= hi[:, None])).float()
        return inside / inside.sum(dim=1, keepdim=True)


class SeveralRight(Objective):
    """Sigmoid: binary cross entropy of each output; those a label leaves open do not count."""

    def likelihood(self, logits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
        """Sum over the known outputs, mean over clips; labels are int64 [B, N]."""
        return self.soft(logits, lo.float(), (lo == hi).float())

    def soft(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Against probabilities; weight [B, N], or [B] for whole clips."""
        loss = functional.binary_cross_entropy_with_logits(
            logits.float(), target.detach().float(), reduction="none"
        )
        if weight is not None:
            loss = loss * (weight if weight.dim() == 2 else weight[:, None])
        return loss.sum(dim=1).mean()

    def distil(self, logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """As `soft`, of every output."""
        return self.soft(logits, teacher_logits.detach().float().sigmoid())

    def sure(self, probabilities: Tensor, threshold: float | Tensor, radius: int) -> Tensor:
        """Each output by itself, whether it is said to be there or not."""
        return torch.maximum(probabilities, 1.0 - probabilities) >= threshold

    def harden(self, probabilities: Tensor) -> Tensor:
        """Outputs of at least a half."""
        return (probabilities >= 0.5).to(probabilities.dtype)

    def surprise(self, probabilities: Tensor, target: Tensor) -> Tensor:
        """The sum over outputs."""
        return functional.binary_cross_entropy(probabilities, target, reduction="none").sum(dim=1)

    def target(self, lo: Tensor, hi: Tensor) -> Tensor:
        """Labels int64 [B, N]; an unknown output is a half."""
        return (lo + hi).float() / 2


def objective_of(
    task: Task, emd_weight: float = 0.0, proximity: Mapping[str, Any] = MappingProxyType({})
) -> Objective:
    """The objective of a task.

    Args:
        task: what is learned.
        emd_weight: see `OneRight`.
        proximity: see `ProximityObjective`.
    """
    if isinstance(task, TeacherTask):
        return TeacherObjective(task)
    if isinstance(task, ProximityTask):
        return ProximityObjective(task, **proximity)
    return SeveralRight(task) if task.several else OneRight(task, emd_weight)
