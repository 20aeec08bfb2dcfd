"""From a batch of clips to what the students see: labelled, pseudo-labelled and summed clips.

B labelled clips, U unlabelled clips, S sums of unlabelled clips, T samples, N outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_modules import additivity
from search_spaces.task import Task


@dataclass(frozen=True)
class LabelledView:
    """Clips with interval labels: waveform [B, T], lo and hi int64 [B].

    The target is what is learned in their place where other nets were asked too: [B, N], else None.
    """

    waveform: Tensor
    lo: Tensor
    hi: Tensor
    target: Tensor | None = None


@dataclass(frozen=True)
class TargetView:
    """Clips with target probabilities: waveform [U, T], target [U, N], weight in 0..1.

    The weight is [U], or [U, N] where several outputs may be right.
    """

    waveform: Tensor
    target: Tensor
    weight: Tensor


@dataclass(frozen=True)
class UnlabelledView:
    """Clips of which nothing is said: waveform [U, T]; nets may still learn them of each other."""

    waveform: Tensor


@dataclass(frozen=True)
class SumView:
    """Sums of unlabelled clips with the band in which their cumulative distribution must lie.

    waveform [S, T]; target [S, N], the distribution if the counts add exactly; lower and upper
    [S, N], the band if they need not; weight [S] in 0..1.
    """

    waveform: Tensor
    target: Tensor
    lower: Tensor
    upper: Tensor
    weight: Tensor


def labelled_view(
    waveform: Tensor,
    lo: Tensor,
    hi: Tensor,
    added_share: float,
    max_summands: int,
    max_count: int,
    exact: bool,
    generator: torch.Generator,
) -> LabelledView:
    """Replace a share of the labelled clips by sums of several of them.

    Args:
        waveform: float32 [B, T].
        lo: int64 [B].
        hi: int64 [B].
        added_share: share of the result that is sums, 0 for none.
        max_summands: speech clips in one sum at most.
        max_count: largest count of a sum.
        exact: whether counts add exactly (see `additivity.sum_labels`).
        generator: on the device of ``waveform``.

    Returns:
        B clips, the sums first.
    """
    num_sums = round(added_share * len(waveform))
    if num_sums == 0:
        return LabelledView(waveform, lo, hi)
    members = additivity.plan_sums(hi, num_sums, max_summands, max_count, generator)
    # An empty plan is possible (nothing fits): such a row keeps a clip as it is.
    kept = torch.randint(0, len(hi), (num_sums, 1), generator=generator, device=hi.device)
    empty = (members == additivity.NO_MEMBER).all(dim=1, keepdim=True)
    members[:, :1] = torch.where(empty, kept, members[:, :1])
    sums = additivity.sum_clips(waveform, hi.float(), members, generator)
    sum_lo, sum_hi = additivity.sum_labels(lo, hi, members, exact)
    return LabelledView(
        torch.cat([sums, waveform[num_sums:]]),
        torch.cat([sum_lo, lo[num_sums:]]),
        torch.cat([sum_hi, hi[num_sums:]]),
    )


def near(task: Task) -> int:
    """How far from the likeliest output counts as it: a neighbouring count is a near miss."""
    return 1 if task.ordered else 0


def sum_view(
    waveform: Tensor,
    probabilities: Tensor,
    num_sums: int,
    max_summands: int,
    threshold: float,
    generator: torch.Generator,
) -> SumView:
    """Sums of unlabelled clips and the distribution that the teacher's ones imply for them.

    Only clips whose count the teacher is sure of are summed. Probability beyond the largest count
    is cut off, and a sum weighs as much as what is left.

    Args:
        waveform: float32 [U, T].
        probabilities: [U, N], the teacher's.
        num_sums: S.
        max_summands: speech clips in one sum at most.
        threshold: smallest probability of the likeliest count.
        generator: on the device of ``waveform``.
    """
    max_count = probabilities.shape[1] - 1
    best = probabilities.max(dim=1)
    sure, counts = best.values >= threshold, best.indices
    members = additivity.plan_sums(counts, num_sums, max_summands, max_count, generator, sure)
    sums = additivity.sum_clips(waveform, counts.float(), members, generator)
    convolved = additivity.convolve_counts(probabilities, members)
    kept = convolved.sum(dim=1, keepdim=True)
    used = (members != additivity.NO_MEMBER).any(dim=1)
    return SumView(
        waveform=sums,
        target=convolved / kept.clamp_min(1e-6),
        lower=convolved.cumsum(dim=1),
        upper=additivity.largest_of_counts(probabilities, members),
        weight=kept.squeeze(1) * used,
    )
