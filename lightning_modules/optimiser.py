"""AdamW with weight decay on weights only, linear warm-up and a cosine that ends at zero."""

from __future__ import annotations

import math

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR


def make_optimiser(net: nn.Module, learning_rate: float, weight_decay: float) -> AdamW:
    """AdamW (Loshchilov & Hutter, 2019); norms and biases do not decay."""
    weights = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=learning_rate)


def warm_up_cosine(optimiser: AdamW, warm_up_steps: int, total_steps: int) -> LambdaLR:
    """Learning rate per step: up linearly, then down along half a cosine."""

    def factor(step: int) -> float:
        if step < warm_up_steps:
            return (step + 1) / (warm_up_steps + 1)
        progress = (step - warm_up_steps) / max(1, total_steps - warm_up_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return LambdaLR(optimiser, factor)
