"""SqueezeNet 1.1 (Iandola et al. 2016) with the parameter names of torchvision's files.

Letters: B batch, C channels, S side of the picture, K outputs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Fire(nn.Module):
    """Squeeze by 1x1, expand by 1x1 and 3x3 side by side (section 3.2).

    Args:
        in_channels: C before.
        squeezed: channels between.
        expanded: channels of each of the two that make C after.
    """

    def __init__(self, in_channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeezed, 1)
        self.squeeze_activation = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand1x1_activation = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.expand3x3_activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """float32 [B, C, H, W] -> [B, 2 * expanded, H, W]."""
        squeezed = self.squeeze_activation(self.squeeze(inputs))
        return torch.cat(
            [
                self.expand1x1_activation(self.expand1x1(squeezed)),
                self.expand3x3_activation(self.expand3x3(squeezed)),
            ],
            dim=1,
        )


class SqueezeNet(nn.Module):
    """Version 1.1. Its last ReLU, which would forbid negative logits, is left out.

    Args:
        num_outputs: K.
    """

    def __init__(self, num_outputs: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(512, num_outputs, 1))

    def forward(self, picture: Tensor) -> Tensor:
        """float32 [B, 3, S, S] -> logits [B, K]."""
        return self.classifier(self.features(picture)).mean(dim=(2, 3), keepdim=True).flatten(1)


def squeezenet1_1(num_outputs: int) -> nn.Module:
    """1.2 million parameters with 1000 outputs."""
    return SqueezeNet(num_outputs)
