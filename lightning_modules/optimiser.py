"""AdamW with weight decay on weights only, linear warm-up and a cosine that ends at zero."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

RateShare = Callable[[str], float]  # by a parameter's name
EVEN: RateShare = lambda name: 1.0  # noqa: E731


def make_optimiser(
    net: nn.Module,
    learning_rate: float,
    weight_decay: float,
    rate_share: RateShare = EVEN,
) -> AdamW:
    """AdamW (Loshchilov & Hutter, 2019); norms and biases do not decay.

    Args:
        net: to train.
        learning_rate: of a parameter whose share is 1.
        weight_decay: of weights.
        rate_share: share of the learning rate by a parameter's name.
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        groups.setdefault((rate_share(name), parameter.ndim > 1), []).append(parameter)
    return AdamW(
        [
            {
                "params": parameters,
                "lr": learning_rate * share,
                "weight_decay": weight_decay if decays else 0.0,
            }
            for (share, decays), parameters in sorted(groups.items(), reverse=True)
        ],
        lr=learning_rate,
    )


def warm_up_cosine(optimiser: AdamW, warm_up_steps: int, total_steps: int) -> LambdaLR:
    """Learning rate per step: up linearly, then down along half a cosine."""

    def factor(step: int) -> float:
        if step < warm_up_steps:
            return (step + 1) / (warm_up_steps + 1)
        progress = (step - warm_up_steps) / max(1, total_steps - warm_up_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return LambdaLR(optimiser, factor)
