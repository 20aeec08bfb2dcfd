"""Counts add: sums of clips as new clips, with the label or the distribution that follows.

B clips in a batch, S sums, M summands at most, T samples, N number of counts (0..N-1).
"""

from __future__ import annotations

import torch
from torch import Tensor

NO_MEMBER = -1  # filler in a plan's rows
# A clip without speech joins a sum as background: its power against that of one voice.
BACKGROUND_DB = (-45.0, -15.0)
BACKGROUND_SHARE = 0.5  # of the sums get such a clip when the batch has one


def plan_sums(
    counts: Tensor,
    num_sums: int,
    max_summands: int,
    max_count: int,
    generator: torch.Generator,
    eligible: Tensor | None = None,
) -> Tensor:
    """Choose which clips to sum, so that the sums' counts spread evenly over 0..max_count.

    Each sum draws the count that it aims at, then takes clips at random, never one twice, whose
    count still fits. Clips without speech (count 0) only join as background.

    Args:
        counts: int64 [B], each clip's count (of an interval label the upper end).
        num_sums: S.
        max_summands: M, speech clips in one sum.
        max_count: no sum's count exceeds it.
        generator: on the device of ``counts``.
        eligible: bool [B], the clips that may be used; None for all.

    Returns:
        int64 [S, M + 1] indices into the batch, `NO_MEMBER` where there is none; the last column is
        the background clip. A row may be empty if nothing fits.
    """
    device, batch = counts.device, counts.shape[0]
    if eligible is None:
        eligible = torch.ones(batch, dtype=torch.bool, device=device)
    remaining = torch.randint(0, max_count + 1, (num_sums,), generator=generator, device=device)
    silent_target = remaining == 0
    used = torch.zeros(num_sums, batch, dtype=torch.bool, device=device)
    rows = torch.arange(num_sums, device=device)
    members = []
    for _ in range(max_summands):
        fits = eligible & ~used & (counts > 0) & (counts <= remaining[:, None])
        score = torch.rand(num_sums, batch, generator=generator, device=device)
        choice = score.masked_fill(~fits, -1.0).argmax(dim=1)
        found = fits[rows, choice]
        used[rows, choice] |= found
        remaining = remaining - counts[choice] * found
        members.append(choice.masked_fill(~found, NO_MEMBER))
    silent = eligible & (counts == 0)
    score = torch.rand(num_sums, batch, generator=generator, device=device)
    choice = score.masked_fill(~silent, -1.0).argmax(dim=1)
    wanted = torch.rand(num_sums, generator=generator, device=device) < BACKGROUND_SHARE
    found = silent[choice] & (wanted | silent_target)
    members.append(choice.masked_fill(~found, NO_MEMBER))
    return torch.stack(members, dim=1)


def sum_clips(
    waveform: Tensor, voices: Tensor, members: Tensor, generator: torch.Generator
) -> Tensor:
    """Add up clips, each first scaled to a power proportional to the voices in it.

    So every voice of the sum has the same power on average (protocol `libricount`: 0 dB against
    each other), whatever the level at which its clip was recorded.

    Args:
        waveform: float32 [B, T].
        voices: float32 [B], number of voices; 0 marks background.
        members: int64 [S, M], from `plan_sums`.
        generator: on the device of ``waveform``.

    Returns:
        float32 [S, T]; the power of one voice is 1, set the level afterwards.
    """
    low, high = BACKGROUND_DB
    background_db = low + (high - low) * torch.rand(
        voices.shape[0], generator=generator, device=voices.device
    )
    wanted_power = torch.where(voices > 0, voices, 10 ** (background_db / 10))
    power = waveform.square().mean(dim=1).clamp_min(1e-12)
    scale = (wanted_power / power).sqrt()
    weights = membership(members, waveform.shape[0]).to(waveform.dtype) * scale
    return weights @ waveform


def membership(members: Tensor, batch: int) -> Tensor:
    """A plan as a matrix: bool [S, B], from int64 [S, M]."""
    matrix = torch.zeros(members.shape[0], batch + 1, dtype=torch.bool, device=members.device)
    matrix.scatter_(1, torch.where(members == NO_MEMBER, batch, members), True)
    return matrix[:, :batch]


def sum_labels(lo: Tensor, hi: Tensor, members: Tensor, exact: bool) -> tuple[Tensor, Tensor]:
    """Interval labels of sums.

    With everyone speaking throughout (``exact``; protocol `libricount`) intervals add. With turn
    taking (`rooms`) two maxima need not fall together: [the largest lo, the sum of the hi].

    Args:
        lo: int64 [B].
        hi: int64 [B].
        members: int64 [S, M].
        exact: whether everyone speaks throughout.

    Returns:
        int64 [S] and int64 [S].
    """
    chosen = membership(members, lo.shape[0])
    # Sums by masking: integer matrix products do not exist on CUDA.
    hi_sum = (chosen * hi).sum(dim=1)
    lo_of_members = chosen * lo
    return (lo_of_members.sum(dim=1) if exact else lo_of_members.amax(dim=1)), hi_sum


def convolve_counts(probabilities: Tensor, members: Tensor) -> Tensor:
    """Distribution of a sum of independent counts, cut off at N - 1.

    Args:
        probabilities: [B, N], one distribution per clip.
        members: int64 [S, M]; an empty row is certain to be 0.

    Returns:
        [S, N]; a row sums to 1 less the probability of a count beyond N - 1.
    """
    total = certain_zero(probabilities, members.shape[0])
    padded = torch.cat([probabilities, total.new_zeros(1, total.shape[1])])
    padded[-1, 0] = 1.0  # index -1, `NO_MEMBER`, adds nobody
    num_counts = probabilities.shape[1]
    shift = torch.arange(num_counts, device=members.device)
    lag = shift[:, None] - shift  # [N, N]: result count less the count so far
    for column in members.unbind(dim=1):
        toeplitz = padded[column][:, lag.clamp_min(0)] * (lag >= 0)  # [S, N, N]
        total = (toeplitz @ total[:, :, None]).squeeze(-1)
    return total


def largest_of_counts(probabilities: Tensor, members: Tensor) -> Tensor:
    """Cumulative distribution of the largest of independent counts: the product of theirs.

    Args:
        probabilities: [B, N].
        members: int64 [S, M].

    Returns:
        [S, N].
    """
    cumulative = probabilities.cumsum(dim=1)
    padded = torch.cat([cumulative, torch.ones_like(cumulative[:1])])
    return padded[members].prod(dim=1)


def certain_zero(like: Tensor, rows: int) -> Tensor:
    """[rows, N] distributions that are certain of count 0."""
    result = like.new_zeros(rows, like.shape[1])
    result[:, 0] = 1.0
    return result
