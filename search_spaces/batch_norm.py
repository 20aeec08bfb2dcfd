"""Batch norm statistics of nets that share weights: whose they are and how to get one's own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from search_spaces.errors import UserError


def _norms(net: nn.Module) -> list[_BatchNorm]:
    return [module for module in net.modules() if isinstance(module, _BatchNorm)]


@contextmanager
def frozen_batch_norm_statistics(net: nn.Module) -> Iterator[None]:
    """Within the block, training passes leave the running statistics as they are.

    They still normalise by their batch. A supernet's shared statistics are thus those of the
    passes outside such blocks, i.e. of the largest net.
    """
    tracked = {norm: norm.track_running_stats for norm in _norms(net)}
    try:
        for norm in tracked:
            norm.track_running_stats = False
        yield
    finally:
        for norm, was_tracked in tracked.items():
            norm.track_running_stats = was_tracked


@torch.no_grad()
def recalibrate_batch_norm(
    net: nn.Module,
    batches: Iterable[Tensor],
    run: Callable[[Tensor], Tensor] | None = None,
) -> None:
    """Give a subnet its own batch norm statistics: the mean of those of the batches.

    Yu & Huang 2019, "Universally slimmable networks", section 3.2: the average is cumulative, every
    batch counts alike, so they should be of one size (`even_parts`). Weights stay as they are, and
    so does the net's mode.

    Args:
        net: plain subnet, changed in place.
        batches: what ``run`` takes, e.g. waveforms float32 [B, T]; unlabelled clips will do.
        run: how a batch goes through the net; default ``net`` itself. ``net.classify`` takes
            features that were computed once for many nets.

    Raises:
        UserError: there are no batches.
    """
    norms = _norms(net)
    modes = {module: module.training for module in net.modules()}
    momenta = {norm: norm.momentum for norm in norms}
    net.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch: cumulative average
        norm.train()
    seen = 0
    try:
        for batch in batches:
            (run or net)(batch)
            seen += 1
    finally:
        for norm, momentum in momenta.items():
            norm.momentum = momentum
        for module, mode in modes.items():
            module.training = mode
    if not seen:
        raise UserError("batch norm recalibration: got 0 batches, expected at least 1")


def even_parts(clips: int, most: int) -> list[slice]:
    """Slices of at most ``most`` clips, as few as hold all ``clips``, whose lengths differ by one.

    For `recalibrate_batch_norm`: a last batch of one clip would count as much as a full one.
    """
    parts = math.ceil(clips / most)
    ends = [part * clips // max(1, parts) for part in range(parts + 1)]
    return [slice(first, last) for first, last in itertools.pairwise(ends)]
