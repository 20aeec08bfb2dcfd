"""Muon for the weights of convolutions and linear layers, AdamW for all else, as one optimiser.

A step along the momentum whose singular values are all made about 1, so that directions that rarely
have a gradient are learned as fast as the others (Jordan et al. 2024, *Muon: An optimizer for
hidden layers in neural networks*). `torch.optim.Muon` takes matrices alone and no second rule.

Letters: R rows (output channels), C columns (all inputs of one output).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW

MOMENTUM = 0.95
# Coefficients of the quintic that pushes singular values towards 1 (Jordan et al. 2024)
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5


class Muon(AdamW):
    """AdamW that updates parameter groups with ``"orthogonal": True`` by Muon.

    They hold tensors of two or more axes, of which the first are the outputs. Updates are scaled to
    the root mean square of AdamW's, so that one learning rate and one weight decay suit both (Liu
    et al. 2025, *Muon is Scalable for LLM Training*, section 2.2).
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step; afterwards the marked groups have no gradient any more."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group.get("orthogonal"):
                for weight in group["params"]:
                    if weight.grad is not None:
                        self._orthogonal_step(weight, weight.grad, group)
                        weight.grad = None  # or AdamW would take it too
        super().step()
        return loss

    def _orthogonal_step(self, weight: Tensor, gradient: Tensor, group: Mapping[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
            state["step"] = torch.zeros(())  # for AdamW, which looks for it in every state it loads
        momentum = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        ahead = torch.lerp(gradient, momentum, MOMENTUM)  # Nesterov's
        update = orthogonalised(ahead.flatten(1)).reshape(ahead.shape)
        scale = 0.2 * math.sqrt(max(len(weight), weight[0].numel()))
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.sub_(update, alpha=group["lr"] * scale)


def orthogonalised(matrix: Tensor) -> Tensor:
    """The nearest matrix [R, C] with singular values of about 1 (0.7 to 1.2), by five steps.

    Zeros stay zeros.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    near = matrix.T if tall else matrix
    near = near / near.norm().clamp_min(1e-12)
    for _ in range(_ITERATIONS):
        gram = near @ near.T
        near = _A * near + (_B * gram + _C * gram @ gram) @ near
    return near.T if tall else near
