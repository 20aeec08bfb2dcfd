"""A net, and how one choice per dimension of a space becomes one.

Letters: B batch, T samples, C channels, F mel bands and W frames or what strides leave, K counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.blocks import (
    NORMALISATIONS,
    BandsAsChannels,
    ConvNorm,
    Head,
    InvertedBottleneck,
    Layers,
)
from search_spaces.clip import CLIP_SAMPLES
from search_spaces.frontend_geometry import frontend_settings
from search_spaces.space import NUM_STAGES, stem_frequency_stride


class AmbianceNet(nn.Module):
    """A net of any of the spaces: waveform to logits over counts.

    Args:
        frontend: waveform to features, without learnt weights.
        normalise, bands, stem, stages, pool, head: the trunk, in order.
    """

    def __init__(
        self,
        *,
        frontend: nn.Module,
        normalise: nn.Module,
        bands: nn.Module,
        stem: nn.Module,
        stages: nn.Module,
        pool: nn.Module,
        head: nn.Module,
    ) -> None:
        super().__init__()
        self.frontend = frontend
        self.normalise = normalise
        self.bands = bands
        self.stem = stem
        self.stages = stages
        self.pool = pool
        self.head = head

    def features(self, waveform: Tensor) -> Tensor:
        """Waveform float32 [B, T] at 16 kHz -> log-mel features float32 [B, 1, F, W]."""
        return self.frontend(waveform)

    def classify(self, features: Tensor) -> Tensor:
        """Features float32 [B, 1, F, W] -> logits float32 [B, K]."""
        positions = self.bands(self.normalise(features))
        return self.head(self.pool(self.stages(self.stem(positions))))

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform float32 [B, T] at 16 kHz -> logits float32 [B, K]."""
        return self.classify(self.features(waveform))


def assemble(
    choices: Mapping[str, Any], num_outputs: int, layers: Layers, clip_samples: int = CLIP_SAMPLES
) -> dict[str, nn.Module]:
    """The parts that `AmbianceNet` takes, from one choice per dimension of a space.

    A space without the dimensions ``normalise``, ``stem_bands`` and ``block`` (the first ones had
    none) subtracts the bands' means, leaves bands beside each other and has inverted bottlenecks.

    Args:
        choices: by dimension; with NNI's layers the values may still be open.
        num_outputs: K, logits.
        layers: makes the layers.
        clip_samples: T, of the space.
    """
    frontend = layers.frontend(**frontend_settings(choices), clip_samples=clip_samples)
    channels, bands = choices["stem_width"], choices.get("stem_bands", 1)
    stem = ConvNorm(
        bands,
        channels,
        kernel=choices["stem_kernel"],
        stride=layers.pair(stem_frequency_stride(bands), choices["stem_time_stride"]),
        layers=layers,
    )
    kind = choices.get("block", "inverted")
    stages = []
    for number in range(1, NUM_STAGES + 1):
        stage = {
            key: choices[f"stage{number}_{key}"]
            for key in ("width", "expansion", "kernel", "time_stride", "frequency_stride")
        }
        block = _block_maker(kind, channels, **stage, layers=layers)
        stages.append(layers.repeat(block, choices[f"stage{number}_depth"]))
        channels = stage["width"]
    return {
        "frontend": frontend,
        "normalise": NORMALISATIONS[choices.get("normalise", "band_means")](),
        "bands": BandsAsChannels(bands) if bands > 1 else nn.Identity(),
        "stem": stem,
        "stages": nn.Sequential(*stages),
        "pool": layers.pool(choices["pool"]),
        "head": Head(
            channels,
            choices["head_hidden"],
            num_outputs,
            rows=layers.pool_rows(choices["pool"]),
            layers=layers,
        ),
    }


def _block_maker(
    kind: str,
    in_channels: Any,
    *,
    width: Any,
    expansion: Any,
    kernel: Any,
    time_stride: Any,
    frequency_stride: Any,
    layers: Layers,
) -> Callable[[int], nn.Module]:
    """The i-th block of a stage: the first strides and changes the width, the others add up.

    A block that is ``plain`` is one dense convolution, which has no expansion and adds nothing up.
    """

    def block(index: int) -> nn.Module:
        first = index == 0
        before = in_channels if first else width
        stride = layers.pair(frequency_stride, time_stride) if first else 1
        if kind == "plain":
            return ConvNorm(before, width, kernel=kernel, stride=stride, layers=layers)
        return InvertedBottleneck(
            before,
            width,
            expansion=expansion,
            kernel=kernel,
            stride=stride,
            residual=not first,
            fused=kind == "fused",
            layers=layers,
        )

    return block


def initialise(net: nn.Module, generator: torch.Generator) -> None:
    """Draw fresh weights: He's normal for ReLU (2015), identity for blocks with a residual.

    The last norm of a residual block begins at zero (Goyal et al. 2017, section 5.1), so that the
    deepest net begins as the shallowest.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, InvertedBottleneck) and module.residual:
            nn.init.zeros_(module.project.norm.weight)
