"""AdamW or Muon, weight decay on weights only, linear warm-up and a cosine that ends at zero."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from lightning_modules.muon import Muon
from lightning_modules.ranges import check_range

OptimiserName = Literal["adamw", "muon"]
RateShare = Callable[[str], float]  # by a parameter's name
EVEN: RateShare = lambda name: 1.0  # noqa: E731


@dataclass(frozen=True)
class Optimisation:
    """AdamW or Muon, with linear warm-up and a cosine that ends at zero.

    Attributes:
        optimiser: ``muon`` needs fewer steps where labelled clips are many (docs/training.md); see
            `make_optimiser`.
        learning_rate: at its peak.
        weight_decay: of the weights of convolutions and linear layers, not of norms and biases.
        warm_up_steps: optimiser steps until the peak.
    """

    optimiser: OptimiserName = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    warm_up_steps: int = 200

    def __post_init__(self) -> None:
        check_range("optimisation.learning_rate", self.learning_rate, 1e-8, 1.0)
        check_range("optimisation.weight_decay", self.weight_decay, 0.0, 10.0)
        check_range("optimisation.warm_up_steps", self.warm_up_steps, 0)


def make_optimiser(
    net: nn.Module,
    learning_rate: float,
    weight_decay: float,
    rate_share: RateShare = EVEN,
    name: OptimiserName = "adamw",
) -> AdamW:
    """AdamW (Loshchilov & Hutter, 2019), or with Muon; norms and biases do not decay.

    Args:
        net: to train.
        learning_rate: of a parameter whose share is 1.
        weight_decay: of weights.
        rate_share: share of the learning rate by a parameter's name.
        name: with ``muon`` most weights are `Muon`'s (see `orthogonal_weights`).
    """
    orthogonal = orthogonal_weights(net) if name == "muon" else set()
    groups: dict[tuple[float, bool, bool], list[nn.Parameter]] = {}
    for each, parameter in net.named_parameters():
        key = (rate_share(each), parameter.ndim > 1, each in orthogonal)
        groups.setdefault(key, []).append(parameter)
    described = [
        {
            "params": parameters,
            "lr": learning_rate * share,
            "weight_decay": weight_decay if decays else 0.0,
            "orthogonal": by_muon,
        }
        for (share, decays, by_muon), parameters in sorted(groups.items(), reverse=True)
    ]
    return (Muon if name == "muon" else AdamW)(described, lr=learning_rate)


def orthogonal_weights(net: nn.Module) -> set[str]:
    """Names of the weights that `Muon` updates, where it is asked for.

    Not of the last layer, as Jordan et al. (2024) leave it, nor of depthwise convolutions, whose
    rows are filters of unlike inputs.
    """
    weights = {name: weight for name, weight in net.named_parameters() if weight.ndim > 1}
    *hidden, _last = weights
    return {name for name in hidden if weights[name].shape[1] > 1}


def warm_up_cosine(optimiser: AdamW, warm_up_steps: int, total_steps: int) -> LambdaLR:
    """Learning rate per step: up linearly, then down along half a cosine."""

    def factor(step: int) -> float:
        if step < warm_up_steps:
            return (step + 1) / (warm_up_steps + 1)
        progress = (step - warm_up_steps) / max(1, total_steps - warm_up_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return LambdaLR(optimiser, factor)
