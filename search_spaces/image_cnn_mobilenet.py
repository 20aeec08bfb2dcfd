"""MobileNetV2 (Sandler et al. 2018) with the parameter names of torchvision's files.

Letters: B batch, C channels, S side of the picture, K outputs.
"""

from __future__ import annotations

from torch import Tensor, nn

# Table 2 of the paper: expansion, channels, blocks, stride of the first.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
LAST_CHANNELS = 1280


def conv_norm_relu6(
    in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """A convolution padded to keep the map, batch norm, and ReLU up to 6."""
    return nn.Sequential(
        nn.Conv2d(
            in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow without ReLU (section 3.3).

    Args:
        in_channels, out_channels: C before and after.
        stride: of the filter.
        expansion: widened channels per channel of the input; 1 widens nothing.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = in_channels * expansion
        widen = [conv_norm_relu6(in_channels, hidden, kernel=1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *widen,
            conv_norm_relu6(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, inputs: Tensor) -> Tensor:
        """float32 [B, C, H, W] -> [B, C', H', W']."""
        return inputs + self.conv(inputs) if self.residual else self.conv(inputs)


class MobileNetV2(nn.Module):
    """Width 1.

    Args:
        num_outputs: K.
    """

    def __init__(self, num_outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_norm_relu6(3, 32, stride=2)]
        channels = 32
        for expansion, width, blocks, stride in STAGES:
            for index in range(blocks):
                first_stride = stride if index == 0 else 1
                layers.append(InvertedResidual(channels, width, first_stride, expansion))
                channels = width
        layers.append(conv_norm_relu6(channels, LAST_CHANNELS, kernel=1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(LAST_CHANNELS, num_outputs))

    def forward(self, picture: Tensor) -> Tensor:
        """float32 [B, 3, S, S] -> logits [B, K]."""
        pooled = self.features(picture).mean(dim=(2, 3), keepdim=True)
        return self.classifier(pooled.flatten(1))


def mobilenet_v2(num_outputs: int) -> nn.Module:
    """3.5 million parameters with 1000 outputs."""
    return MobileNetV2(num_outputs)
