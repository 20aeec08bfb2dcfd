"""What an embedding asks of the training: to meet its teacher, or to keep together what is near.

B clips, N dimensions, R recordings.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from lightning_modules.objective_base import Objective
from search_spaces.task import Task


class EmbeddingObjective(Objective):
    """Outputs are numbers, of which none is surer than another (`Task.probabilistic`)."""

    def distil(self, logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """As `soft`, against the embeddings of another net."""
        return self.soft(logits, teacher_logits)

    def sure(self, probabilities: Tensor, threshold: float | Tensor, radius: int) -> Tensor:
        """Always."""
        return torch.ones(len(probabilities), dtype=torch.bool, device=probabilities.device)

    def harden(self, probabilities: Tensor) -> Tensor:
        """As they are."""
        return probabilities

    def surprise(self, probabilities: Tensor, target: Tensor) -> Tensor:
        """The squared distance."""
        return (probabilities - target).square().mean(dim=1)


class TeacherObjective(EmbeddingObjective):
    """Mean squared distance to the teacher's embedding (Peplinski et al. 2021)."""

    def likelihood(self, logits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
        """The squared distance, in units of the teacher's variance; labels are float32 [B, N].

        It is the negative log likelihood of a Gaussian but for a factor and a constant.
        """
        return self.soft(logits, lo)

    def soft(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Against embeddings [B, N]; weight [B]."""
        loss = (logits.float() - target.detach().float()).square().mean(dim=1)
        return (loss if weight is None else loss * weight).mean()

    def target(self, lo: Tensor, hi: Tensor) -> Tensor:
        """Labels are the embeddings."""
        return lo


class ProximityObjective(EmbeddingObjective):
    """Clips of one recording near each other, those of others far; lengths play no part.

    Labels are the recording of each clip, ``lo``, and its file, ``hi``, int64 [B]: recordings may
    be stretches of one file. Every pair of clips of one recording counts, both ways, and the clips
    of the batch's other files are what it is held against.

    Args:
        task: of the embedding.
        loss: ``triplet`` or ``contrastive``.
        margin: see `triplet_loss`.
        temperature: see `contrastive_loss`.
    """

    def __init__(
        self,
        task: Task,
        loss: Literal["triplet", "contrastive"] = "triplet",
        margin: float = 0.2,
        temperature: float = 0.2,
    ) -> None:
        super().__init__(task)
        self.loss = loss
        self.margin = margin
        self.temperature = temperature

    def likelihood(self, logits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
        """The loss, for there is no likelihood."""
        if self.loss == "triplet":
            return triplet_loss(logits.float(), lo, hi, self.margin)
        return contrastive_loss(logits.float(), lo, hi, self.temperature)

    def soft(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """One less the cosine to embeddings [B, N]; weight [B]."""
        loss = 1.0 - functional.cosine_similarity(logits.float(), target.detach().float(), dim=1)
        return (loss if weight is None else loss * weight).mean()

    def target(self, lo: Tensor, hi: Tensor) -> Tensor:
        """The number of the recording, [B, 1]."""
        return lo[:, None].float()


def triplet_loss(embeddings: Tensor, of: Tensor, files: Tensor, margin: float) -> Tensor:
    """Triplets of TRILL (Shor et al. 2020), semi-hard (Schroff et al. 2015).

    For each anchor and positive the negative is the nearest that is farther than the positive, or
    the farthest of all where none is.

    Args:
        embeddings: [B, N], brought to length 1 here.
        of: recording of each clip, int64 [B].
        files: file of each clip, int64 [B]; those of another one are negatives.
        margin: by which a squared distance to a negative must exceed that to a positive.

    Returns:
        Mean over all pairs of anchor and positive; 0 where there is no pair, or one file only.
    """
    anchors, positives, near = _pairs(embeddings, of)
    distance = 2.0 - 2.0 * near  # squared, of vectors of length 1
    other = files[anchors][:, None] != files
    if not len(anchors) or not other.any():
        return embeddings.sum() * 0.0
    to_positive = distance[anchors, positives][:, None]
    to_others = distance[anchors]
    farther = other & (to_others > to_positive)
    nearest = torch.where(farther, to_others, torch.inf).min(dim=1).values
    farthest = torch.where(other, to_others, -torch.inf).max(dim=1).values
    negative = torch.where(farther.any(dim=1), nearest, farthest)
    return (to_positive[:, 0] - negative + margin).clamp_min(0.0).mean()


def contrastive_loss(embeddings: Tensor, of: Tensor, files: Tensor, temperature: float) -> Tensor:
    """Which clip of the batch is of the same recording, as COLA asks (Saeed et al. 2021).

    Cross entropy of the positive among it and all clips of other files. The similarity is the
    cosine over a temperature, one of the two that the paper compares; its bilinear
    one would need weights that no net of the space has.

    Args:
        embeddings: [B, N], brought to length 1 here.
        of: recording of each clip, int64 [B].
        files: file of each clip, int64 [B]; those of another one are negatives.
        temperature: divisor of the cosines.

    Returns:
        Mean over all pairs; 0 where there is none.
    """
    anchors, positives, near = _pairs(embeddings, of)
    if not len(anchors):
        return embeddings.sum() * 0.0
    logits = near / temperature
    others = torch.where(files[anchors][:, None] != files, logits[anchors], -torch.inf)
    right = logits[anchors, positives][:, None]
    return (torch.cat([right, others], dim=1).logsumexp(dim=1) - right[:, 0]).mean()


def _pairs(embeddings: Tensor, of: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Anchors and positives, int64 [pairs] each, and the cosines of all clips [B, B]."""
    unit = functional.normalize(embeddings, dim=1)
    same = of[:, None] == of
    same.fill_diagonal_(False)
    anchors, positives = same.nonzero(as_tuple=True)
    return anchors, positives, unit @ unit.T
