"""The front end as an int8 net has it: the DFT as two int8 products, the rest in float32.

Each frame has a scale of its own, found while it runs, so that a whisper beside a shout keeps its 8
bits and the level matters as little as in float32. XNNPACK computes such products with int8 weights
of one scale per output (dynamic quantisation: Jacob et al. 2018, section 2.1, with a scale per row
in place of a calibrated one).

Letters: B batch, F frames, L numbers of a folded frame, N samples of a window, K bins, M mels.
"""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import torch
import torch.ao.quantization.fx._decomposed
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.frontend import LogMelFrontEnd
from search_spaces.frontend_weights import Weights, dft_groups, dft_weights, odd_and_even

_OPERATORS = torch.ops.quantized_decomposed
_LOWEST, _HIGHEST = -128, 127


class Int8Linear(nn.Module):
    """A matrix product of int8 numbers: weights of one scale per row, inputs of one per vector.

    Args:
        weights: [outputs, inputs].
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        largest = np.abs(weights).max(axis=1)
        scales = np.where(largest > 0, largest, 1.0) / _HIGHEST  # of padding, any scale will do
        rounded = np.round(weights / scales[:, None]).astype(np.int8)
        self.register_buffer("weights", torch.from_numpy(rounded))
        self.register_buffer("scales", torch.from_numpy(scales.astype(np.float32)))
        self.register_buffer("zeros", torch.zeros(len(weights), dtype=torch.int64))

    def forward(self, vectors: Tensor) -> Tensor:
        """Float32 [..., inputs] -> float32 [..., outputs], as the runtime computes it."""
        scale, zero = _OPERATORS.choose_qparams_per_token_asymmetric(vectors, torch.int8)
        described = (scale, zero, _LOWEST, _HIGHEST, torch.int8)
        held = _OPERATORS.quantize_per_token(vectors, *described)
        held = _OPERATORS.dequantize_per_token(held, *described, torch.float32)
        weights = _OPERATORS.dequantize_per_channel(
            self.weights, self.scales, self.zeros, 0, -_HIGHEST, _HIGHEST, torch.int8
        )
        return functional.linear(held, weights)


class Int8FrontEnd(LogMelFrontEnd):
    """`LogMelFrontEnd` with the DFT in int8: bins of either parity from one folded frame.

    Further folds, which float32 gains from, cost more time here than the products that they save.

    Args:
        frontend: whose features these are, but for rounding.
    """

    def __init__(self, frontend: LogMelFrontEnd) -> None:
        geometry = frontend.geometry
        super().__init__(*dataclasses.astuple(geometry))
        for index in range(len(self.bin_counts)):
            delattr(self, f"dft_{index}")
        bins = [abs(k) for group in dft_groups(geometry) for k in group.bins]
        groups = odd_and_even(bins, geometry)
        self.bin_counts = tuple(len(group.bins) for group in groups)
        self.odd, self.even = (Int8Linear(dft_weights(group, geometry)) for group in groups)

    def _parts(self, first: Tensor, second: Tensor) -> list[Tensor]:
        """Those of the odd and of the even bins, from the windowed halves [B, F, N / 2]."""
        return [self.odd(first - second), self.even(first + second)]


def with_int8_frontend(network: nn.Module) -> nn.Module:
    """A copy of a net, or of a front end, in which every `LogMelFrontEnd` is an `Int8FrontEnd`."""
    if isinstance(network, LogMelFrontEnd):
        return Int8FrontEnd(network).eval()
    copied = copy.deepcopy(network)
    for module in list(copied.modules()):
        for name, child in module.named_children():
            if isinstance(child, LogMelFrontEnd):
                setattr(module, name, Int8FrontEnd(child).eval())
    return copied
