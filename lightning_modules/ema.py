"""Exponential moving average of a net's weights: the teacher (Tarvainen & Valpola, 2017)."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def update_average(average: nn.Module, net: nn.Module, decay: float, step: int) -> None:
    """Move ``average`` towards ``net``: parameters and batch norm statistics alike.

    Early on the average follows faster, with decay (1 + step) / (10 + step), so that the random
    initial weights are forgotten.

    Args:
        average: the net that holds the average; changed in place.
        net: the net in training, of the same structure.
        decay: the share kept of the average, in [0, 1).
        step: optimiser steps taken so far.
    """
    kept = min(decay, (1 + step) / (10 + step))
    current = net.state_dict()
    pairs = [(target, current[name]) for name, target in average.state_dict().items()]
    for target, source in pairs:
        if not target.is_floating_point():
            target.copy_(source)  # how many batches a norm has seen
    old = [target for target, _ in pairs if target.is_floating_point()]
    new = [source for target, source in pairs if target.is_floating_point()]
    torch._foreach_lerp_(old, new, 1.0 - kept)
