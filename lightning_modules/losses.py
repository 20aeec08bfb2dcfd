"""Losses on the distribution over counts: interval labels, soft targets, bounds.

B batch, N number of counts (classes 0..N-1). Every loss is computed in float32 and averaged over B,
with optional weights of shape [B] (the sum is still divided by B, so a gated clip counts as zero).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def interval_nll(logits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
    """Negative log of the probability that the count lies in the closed interval [lo, hi].

    With lo == hi this is the ordinary cross entropy; a wider label is the partial-label likelihood
    (Jin & Ghahramani, "Learning with multiple labels", NIPS 2002).

    Args:
        logits: [B, N].
        lo: int64 [B], the smallest count that the label allows.
        hi: int64 [B], the largest.
    """
    log_p = functional.log_softmax(logits.float(), dim=-1)
    counts = torch.arange(logits.shape[-1], device=logits.device)
    outside = (counts < lo[:, None]) | (counts > hi[:, None])
    return -log_p.masked_fill(outside, -torch.inf).logsumexp(dim=-1).mean()


def interval_squared_emd(logits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
    """Squared earth mover's distance between cumulative distributions, free inside [lo, hi].

    Hou, Yu & Samaras, "Squared Earth Mover's Distance-based Loss for Training Deep Neural
    Networks", 2016, section 3. The label's cumulative distribution is 0 below ``lo`` and 1 from
    ``hi`` on; between them it is unknown, and those terms are left out.

    Args:
        logits: [B, N].
        lo: int64 [B].
        hi: int64 [B].
    """
    cumulative = functional.softmax(logits.float(), dim=-1).cumsum(dim=-1)
    counts = torch.arange(logits.shape[-1], device=logits.device)
    below, reached = counts < lo[:, None], counts >= hi[:, None]
    error = (cumulative - reached.float()).square()
    return (error * (below | reached)).sum(dim=-1).mean()


def soft_cross_entropy(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Cross entropy against a distribution.

    Args:
        logits: [B, N].
        target: [B, N], non-negative, rows summing to 1; no gradient flows into it.
        weight: [B] or None for ones.
    """
    loss = -(target.detach().float() * functional.log_softmax(logits.float(), dim=-1)).sum(dim=-1)
    return (loss if weight is None else loss * weight).mean()


def soft_squared_emd(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Squared earth mover's distance against a distribution (arguments as `soft_cross_entropy`)."""
    difference = functional.softmax(logits.float(), dim=-1) - target.detach().float()
    loss = difference.cumsum(dim=-1).square().sum(dim=-1)
    return (loss if weight is None else loss * weight).mean()


def cumulative_bounds_loss(
    logits: Tensor, lower: Tensor, upper: Tensor, weight: Tensor | None = None
) -> Tensor:
    """Squared distance of the cumulative distribution from a band, zero inside the band.

    Args:
        logits: [B, N].
        lower: [B, N], the smallest cumulative distribution allowed.
        upper: [B, N], the largest.
        weight: [B] or None for ones.
    """
    cumulative = functional.softmax(logits.float(), dim=-1).cumsum(dim=-1)
    excess = functional.relu(cumulative - upper) + functional.relu(lower - cumulative)
    loss = excess.square().sum(dim=-1)
    return (loss if weight is None else loss * weight).mean()
