"""DenseNet-121 (Huang et al. 2017) with the parameter names of torchvision's files.

Letters: B batch, C channels, S side of the picture, K outputs.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

GROWTH = 32  # channels that a layer adds
BOTTLENECK = 4  # channels of its 1x1 convolution per channel added
LAYERS = (6, 12, 24, 16)


class DenseLayer(nn.Sequential):
    """Norm, ReLU, 1x1, norm, ReLU, 3x3; its output joins the input (section 3).

    Args:
        in_channels: C before.
    """

    def __init__(self, in_channels: int) -> None:
        hidden = BOTTLENECK * GROWTH
        layers = OrderedDict[str, nn.Module](
            norm1=nn.BatchNorm2d(in_channels),
            relu1=nn.ReLU(),
            conv1=nn.Conv2d(in_channels, hidden, 1, bias=False),
            norm2=nn.BatchNorm2d(hidden),
            relu2=nn.ReLU(),
            conv2=nn.Conv2d(hidden, GROWTH, 3, padding=1, bias=False),
        )
        super().__init__(layers)

    def forward(self, inputs: Tensor) -> Tensor:
        """float32 [B, C, H, W] -> [B, C + GROWTH, H, W]."""
        return torch.cat([inputs, super().forward(inputs)], dim=1)


class DenseNet(nn.Module):
    """Four blocks of dense layers, halved in between.

    Args:
        num_outputs: K.
    """

    def __init__(self, num_outputs: int) -> None:
        super().__init__()
        channels = 2 * GROWTH
        self.features = nn.Sequential(
            OrderedDict[str, nn.Module](
                conv0=nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False),
                norm0=nn.BatchNorm2d(channels),
                relu0=nn.ReLU(),
                pool0=nn.MaxPool2d(3, stride=2, padding=1),
            )
        )
        for number, depth in enumerate(LAYERS, start=1):
            block = nn.Sequential()
            for index in range(1, depth + 1):
                block.add_module(f"denselayer{index}", DenseLayer(channels))
                channels += GROWTH
            self.features.add_module(f"denseblock{number}", block)
            if number < len(LAYERS):
                self.features.add_module(f"transition{number}", _transition(channels))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.relu = nn.ReLU()
        self.classifier = nn.Linear(channels, num_outputs)

    def forward(self, picture: Tensor) -> Tensor:
        """float32 [B, 3, S, S] -> logits [B, K]."""
        pooled = self.relu(self.features(picture)).mean(dim=(2, 3), keepdim=True)
        return self.classifier(pooled.flatten(1))


def _transition(channels: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(),
            conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
            pool=nn.AvgPool2d(2, stride=2),
        )
    )


def densenet121(num_outputs: int) -> nn.Module:
    """8.0 million parameters with 1000 outputs."""
    return DenseNet(num_outputs)
