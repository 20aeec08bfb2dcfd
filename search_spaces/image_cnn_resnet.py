"""ResNet (He et al. 2016) of basic blocks with the parameter names of torchvision's files.

Letters: B batch, C channels, S side of the picture, K outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (section 3.3).

    Args:
        in_channels, out_channels: C before and after.
        stride: of the first convolution and of the shortcut.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, inputs: Tensor) -> Tensor:
        """float32 [B, C, H, W] -> [B, C', H', W']."""
        outputs = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(inputs)))))
        shortcut = inputs if self.downsample is None else self.downsample(inputs)
        return self.relu(outputs + shortcut)


class ResNet(nn.Module):
    """Four stages of basic blocks.

    Args:
        blocks: of each stage.
        num_outputs: K.
    """

    def __init__(self, blocks: Sequence[int], num_outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = WIDTHS[0]
        for number, (width, depth) in enumerate(zip(WIDTHS, blocks, strict=True), start=1):
            stage = nn.Sequential()
            for index in range(depth):
                stride = 2 if index == 0 and number > 1 else 1
                stage.append(BasicBlock(channels, width, stride))
                channels = width
            self.add_module(f"layer{number}", stage)
        self.fc = nn.Linear(channels, num_outputs)

    def forward(self, picture: Tensor) -> Tensor:
        """float32 [B, 3, S, S] -> logits [B, K]."""
        outputs = self.maxpool(self.relu(self.bn1(self.conv1(picture))))
        for number in range(1, len(WIDTHS) + 1):
            outputs = self.get_submodule(f"layer{number}")(outputs)
        return self.fc(outputs.mean(dim=(2, 3), keepdim=True).flatten(1))


def resnet18(num_outputs: int) -> nn.Module:
    """11.7 million parameters with 1000 outputs."""
    return ResNet((2, 2, 2, 2), num_outputs)


def resnet34(num_outputs: int) -> nn.Module:
    """21.8 million parameters with 1000 outputs."""
    return ResNet((3, 4, 6, 3), num_outputs)
