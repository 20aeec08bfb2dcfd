"""The front end cut where the clip begins to matter, so that overlapping clips may share a half.

Letters: B batch, T samples, M mels, F frames.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.frontend import LogMelFrontEnd
from search_spaces.net import AmbianceNet


class FrameEnergies(nn.Module):
    """The first half: each frame's energies, which are the same in every clip that holds it.

    Args:
        frontend: the whole; its weights are shared.
    """

    def __init__(self, frontend: LogMelFrontEnd) -> None:
        super().__init__()
        self.frontend = frontend

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform float32 [B, T] -> energies of the mels and, last, their mean [B, M + 1, F]."""
        return torch.cat(self.frontend._mel_and_mean(waveform), dim=1)


class FrameLevels(nn.Module):
    """The second half: the logarithm of energies against the mean of the clip's.

    Args:
        frontend: the whole, whose constants are copied.
    """

    def __init__(self, frontend: LogMelFrontEnd) -> None:
        super().__init__()
        self.shape = frontend.output_shape()
        for name in ("average", "floor"):
            self.register_buffer(name, frontend.get_buffer(name).clone(), persistent=False)

    def forward(self, energies: Tensor) -> Tensor:
        """Energies float32 [B, M + 1, F] -> features [B, 1, M, F], as the whole gives them."""
        mels = self.shape[1]
        level = functional.linear(
            energies[:, mels:], self.get_buffer("average"), self.get_buffer("floor")
        )
        return torch.log(energies[:, :mels] / level + 1.0).reshape(-1, *self.shape)


def halves(network: nn.Module) -> tuple[FrameEnergies, AmbianceNet]:
    """A net's first half, and a copy of it that takes the energies [B, M + 1, F] of that.

    Raises:
        TypeError: the net is not of this kit's spaces.
    """
    if not (isinstance(network, AmbianceNet) and isinstance(network.frontend, LogMelFrontEnd)):
        raise TypeError(f"network is {type(network).__name__}, allowed: AmbianceNet")
    rest = copy.deepcopy(network)
    rest.frontend = FrameLevels(network.frontend)
    return FrameEnergies(network.frontend), rest
