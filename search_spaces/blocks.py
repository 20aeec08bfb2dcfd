"""The parts of a net; `net` puts them together.

The same code builds the plain net (`Layers`, torch alone) and, with the layers of `nni_adapter`,
NNI's model space, so that both have one structure and one set of parameter names.
ReLU, odd kernels and additions only: what int8 keeps and XNNPACK runs whole.
Letters: B batch, T samples, C channels, F mel bands and W frames or what strides leave, K counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.frontend import LogMelFrontEnd

POOL_ROWS = {"mean": 1, "max": 1, "mean_max": 1, "mean_beside_max": 2}  # by kind
# Mean feature of a frame below which it fades to digital silence; noise 50 dB below the clip's mean
# has about 0.1, silence has 0 (see `LogMelFrontEnd`).
FAINTEST_FRAME = 0.02


class Layers:
    """Makes the elementary layers of a plain net.

    `nni_adapter.NniLayers` makes the same from arguments that are still to be chosen.

    Args:
        device: where the learnt weights lie; on ``meta`` they take no time and are filled later.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def conv(self, **arguments: Any) -> nn.Conv2d:
        """`torch.nn.Conv2d`."""
        return nn.Conv2d(**arguments, device=self.device)

    def norm(self, channels: Any) -> nn.BatchNorm2d:
        """`torch.nn.BatchNorm2d`."""
        return nn.BatchNorm2d(channels, device=self.device)

    def frontend(self, **arguments: Any) -> nn.Module:
        """`LogMelFrontEnd`."""
        return LogMelFrontEnd(**arguments)

    def pool(self, kind: Any) -> nn.Module:
        """`TimePool`."""
        return TimePool(kind)

    def pool_rows(self, kind: Any) -> int:
        """Rows that the pool leaves."""
        return POOL_ROWS[kind]

    def repeat(self, block: Callable[[int], nn.Module], depth: Any) -> nn.Module:
        """The first ``depth`` blocks; ``block(i)`` makes the i-th."""
        return nn.Sequential(*map(block, range(depth)))

    def pair(self, frequency: Any, time: Any) -> Any:
        """Strides as Conv2d takes them: (frequency, time)."""
        return frequency, time


class ConvNorm(nn.Sequential):
    """Convolution that keeps or strides the map, batch norm and, if asked, ReLU.

    Args:
        in_channels, out_channels: C before and after.
        kernel: odd, square; padded by half of it, so that a map of any size stays valid.
        stride: (frequency, time).
        groups: as in Conv2d.
        relu: whether a ReLU ends it.
        layers: makes the layers.
    """

    def __init__(
        self,
        in_channels: Any,
        out_channels: Any,
        *,
        kernel: Any = 1,
        stride: Any = 1,
        groups: Any = 1,
        relu: bool = True,
        layers: Layers,
    ) -> None:
        super().__init__()
        self.conv: nn.Conv2d = layers.conv(
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel,
            stride=stride,
            padding=kernel // 2,
            groups=groups,
            bias=False,
        )
        self.norm: nn.BatchNorm2d = layers.norm(out_channels)
        if relu:
            self.relu = nn.ReLU()


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel, narrow: MobileNetV2's block (Sandler et al. 2018, section 3.3).

    Unlike there it widens also at expansion 1, so that every expansion has the same three layers.
    Fused (Tan and Le 2021, "EfficientNetV2", section 3.2), one dense convolution widens and
    filters: more products and parameters, which a CPU nevertheless does sooner, in training and in
    int8 (docs/space.md).

    Args:
        in_channels, out_channels: C before and after.
        expansion: widened channels per channel of the input.
        kernel: of the depthwise convolution, or of the dense one, odd.
        stride: of the same, (frequency, time).
        residual: whether the input is added to the output; needs equal channels and stride 1.
        fused: whether the first two convolutions are one.
        layers: makes the layers.
    """

    def __init__(
        self,
        in_channels: Any,
        out_channels: Any,
        *,
        expansion: Any,
        kernel: Any,
        stride: Any,
        residual: bool,
        fused: bool,
        layers: Layers,
    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        filtering = {"kernel": kernel, "stride": stride}
        self.depthwise: nn.Module
        if fused:
            self.expand = ConvNorm(in_channels, hidden, **filtering, layers=layers)
            self.depthwise = nn.Identity()
        else:
            self.expand = ConvNorm(in_channels, hidden, layers=layers)
            self.depthwise = ConvNorm(hidden, hidden, **filtering, groups=hidden, layers=layers)
        self.project = ConvNorm(hidden, out_channels, relu=False, layers=layers)
        self.residual = residual

    def forward(self, inputs: Tensor) -> Tensor:
        """float32 [B, C, F, W] -> [B, C', F', W']."""
        outputs = self.project(self.depthwise(self.expand(inputs)))
        return inputs + outputs if self.residual else outputs


class BandsAsChannels(nn.Module):
    """Adjacent bands of log-mel features become the channels of one position (space-to-depth).

    A convolution of one channel is slow on a CPU, of 8 channels it is not; what it sees and how far
    it strides in frequency grow by as much (docs/space.md).

    Args:
        bands: C, of which the number of bands F is a multiple.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.bands = bands

    def forward(self, features: Tensor) -> Tensor:
        """float32 [B, 1, F, W] -> [B, C, F / C, W]."""
        batch, _, bands, frames = features.shape
        positions = features.reshape(batch, bands // self.bands, self.bands, frames)
        return positions.transpose(1, 2)

    def extra_repr(self) -> str:
        """The bands, for `print`."""
        return f"bands={self.bands}"


class MeanSubtraction(nn.Module):
    """Take each band's mean over the clip from log-mel features; digital silence becomes zero.

    Microphone, room and voice colour a whole clip alike, which is a constant in the log of a band
    (Atal 1974; "cepstral mean normalisation"). What tells the count, how the energy of a band
    varies, stays. Frames of digital silence (padding, a muted stretch) count for no mean and are
    set to it, so that they say nothing: noise 50 dB below the speech is already far above them.
    """

    def forward(self, features: Tensor) -> Tensor:
        """float32 [B, 1, F, W] of `LogMelFrontEnd` -> the same shape."""
        # XNNPACK averages over both of the last dimensions only, hence the transpositions.
        loudness = features.transpose(1, 3).mean(dim=(2, 3), keepdim=True).transpose(1, 3)
        heard = torch.clamp(loudness * (1 / FAINTEST_FRAME), max=1.0)  # [B, 1, 1, W]
        share = torch.clamp(heard.mean(dim=(2, 3), keepdim=True), min=1e-3)
        bands = features.transpose(1, 2).mean(dim=(2, 3), keepdim=True).transpose(1, 2)
        return (features - bands / share) * heard


NORMALISATIONS: dict[str, type[nn.Module]] = {"band_means": MeanSubtraction, "none": nn.Identity}


class TimePool(nn.Module):
    """Mean over frequency, then mean, maximum, their sum or both of them over time.

    The sum is the pooling of PANNs (Kong et al. 2020, section III-A): the mean sees how much was
    spoken, the maximum the busiest moment, which is what a count is. Beside each other, as two
    rows, the head tells them apart.

    Args:
        kind: one of `POOL_ROWS`.

    Raises:
        ValueError: it is none of them.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        if kind not in POOL_ROWS:
            raise ValueError(f"TimePool: kind is {kind!r}, allowed: {', '.join(POOL_ROWS)}")
        self.kind = kind

    def forward(self, inputs: Tensor) -> Tensor:
        """float32 [B, C, F, W] -> [B, C, rows of the kind, 1]."""
        if self.kind == "mean":
            return inputs.mean(dim=(2, 3), keepdim=True)
        frequencies, frames = inputs.shape[2:]
        column = (frequencies, 1)  # XNNPACK wants strides spelt out
        over_frequency = functional.avg_pool2d(
            inputs, column, stride=column, count_include_pad=False
        )
        pooled = functional.max_pool2d(over_frequency, (1, frames), stride=(1, frames))
        if self.kind == "max":
            return pooled
        mean = over_frequency.mean(dim=(2, 3), keepdim=True)
        return pooled + mean if self.kind == "mean_max" else torch.cat([mean, pooled], dim=2)

    def extra_repr(self) -> str:
        """The kind, for `print`."""
        return f"kind={self.kind!r}"


class Head(nn.Module):
    """Pooled channels to one logit per count; convolutions keep it in XNNPACK's one delegate.

    Args:
        in_channels: C.
        hidden: channels of the hidden layer.
        num_outputs: K.
        rows: R, which the pool leaves; the hidden layer takes them all.
        layers: makes the layers.
    """

    def __init__(
        self, in_channels: Any, hidden: Any, num_outputs: int, *, rows: int = 1, layers: Layers
    ) -> None:
        super().__init__()
        self.hidden = layers.conv(
            in_channels=in_channels, out_channels=hidden, kernel_size=(rows, 1)
        )
        self.relu = nn.ReLU()
        self.output = layers.conv(in_channels=hidden, out_channels=num_outputs, kernel_size=1)

    def forward(self, inputs: Tensor) -> Tensor:
        """float32 [B, C, R, 1] -> [B, K]."""
        return self.output(self.relu(self.hidden(inputs))).flatten(1)
