"""What a net costs, computed from its architecture alone: parameters, MACs, activation memory.

No net is built and nothing runs, so that a search can ask thousands of times. Everything is for one
clip of the net's space, batch of one. Letters: H height (frequency), W width (time).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from search_spaces.architecture import Architecture
from search_spaces.clip import NUM_COUNTS
from search_spaces.frontend_geometry import FrontEndGeometry, frontend_settings
from search_spaces.frontend_layers import frontend_layers
from search_spaces.layer import Layer
from search_spaces.space import NUM_STAGES, stem_frequency_stride
from search_spaces.spaces import PICTURE_SPACES

Precision = Literal["fp32", "int8"]
TRUNK_BYTES = {"fp32": 4, "int8": 1}
FRONTEND_BYTES = 4  # as fp32 has it; of an int8 net's front end the DFT alone is smaller


@dataclass(frozen=True)
class Cost:
    """What one clip costs.

    Attributes:
        params: learnt numbers (weights, biases, batch norm's scale and shift).
        macs: multiply-accumulates, the front end's as lowered included.
        frontend_macs: the front end's share of ``macs``.
        peak_activation_bytes: the largest sum, over the operators, of the bytes of what one reads
            and writes and of what waits for a later one. A runtime that frees each tensor after its
            last use and does nothing in place needs exactly this.
    """

    params: int
    macs: int
    frontend_macs: int
    peak_activation_bytes: int


def costs(
    architecture: Architecture, num_outputs: int = NUM_COUNTS, precision: Precision = "fp32"
) -> Cost:
    """Cost of one clip; exact.

    Args:
        architecture: of any space.
        num_outputs: logits.
        precision: of the trunk's activations, for their bytes; a picture net's are of fp32.
    """
    if architecture.space in PICTURE_SPACES:
        from search_spaces.picture_cost import picture_costs  # torch takes seconds to import

        return picture_costs(architecture, num_outputs)
    layers = layer_descriptors(architecture, num_outputs)
    bytes_of = {"frontend": FRONTEND_BYTES, "trunk": TRUNK_BYTES[precision]}
    return Cost(
        params=sum(layer.params for layer in layers),
        macs=sum(layer.macs for layer in layers),
        frontend_macs=sum(layer.macs for layer in layers if layer.part == "frontend"),
        peak_activation_bytes=max(bytes_of[layer.part] * layer.live_elements for layer in layers),
    )


def layer_descriptors(architecture: Architecture, num_outputs: int = NUM_COUNTS) -> list[Layer]:
    """The operators of the lowered net in the order in which they run."""
    choices: Any = architecture.choices
    settings = frontend_settings(choices)
    geometry = FrontEndGeometry(**settings, clip_samples=architecture.clip_samples)
    trunk = _Trunk(size=(geometry.mels, geometry.frames))
    if choices.get("normalise", "band_means") == "band_means":
        trunk.normalise()
    bands = choices.get("stem_bands", 1)
    trunk.bands_as_channels(bands)
    trunk.conv(
        "stem.conv",
        choices["stem_width"],
        kernel=choices["stem_kernel"],
        stride=(stem_frequency_stride(bands), choices["stem_time_stride"]),
    )
    block = choices.get("block", "inverted")
    for number in range(1, NUM_STAGES + 1):
        width = choices[f"stage{number}_width"]
        expansion = choices[f"stage{number}_expansion"]
        kernel = choices[f"stage{number}_kernel"]
        stride = (choices[f"stage{number}_frequency_stride"], choices[f"stage{number}_time_stride"])
        for index in range(choices[f"stage{number}_depth"]):
            path = f"stages.{number - 1}.{index}"
            own_stride = stride if index == 0 else (1, 1)
            if block == "plain":
                trunk.conv(f"{path}.conv", width, kernel=kernel, stride=own_stride)
                continue
            fused, residual = block == "fused", index > 0
            trunk.bottleneck(
                path, width, expansion, kernel, own_stride, residual=residual, fused=fused
            )
    trunk.pool(choices["pool"])
    trunk.whole("head.hidden", choices["head_hidden"])
    trunk.whole("head.output", num_outputs)
    return [*frontend_layers(geometry), *trunk.layers]


class _Trunk:
    """Follows the size of the map through the trunk and writes down its operators.

    Args:
        size: (H, W) of the features.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.layers: list[Layer] = []
        self.channels = 1
        self.size = size

    def conv(
        self,
        name: str,
        out_channels: int,
        *,
        kernel: int = 1,
        stride: tuple[int, int] = (1, 1),
        depthwise: bool = False,
        held_elements: int = 0,
    ) -> None:
        """A convolution padded by half its kernel, with the norm folded in."""
        height, width = ((n - 1) // s + 1 for n, s in zip(self.size, stride, strict=True))
        weights = kernel * kernel * out_channels * (1 if depthwise else self.channels)
        dense = "conv" if kernel > 1 else "pointwise"
        self.layers.append(
            Layer(
                name=name,
                part="trunk",
                kind="depthwise" if depthwise else dense,
                in_channels=self.channels,
                out_channels=out_channels,
                in_size=self.size,
                out_size=(height, width),
                kernel=(kernel, kernel),
                macs=weights * height * width,
                params=weights + 2 * out_channels,
                weight_elements=weights,
                held_elements=held_elements,
            )
        )
        self.channels, self.size = out_channels, (height, width)

    def bands_as_channels(self, bands: int) -> None:
        """`blocks.BandsAsChannels`, a copy that does no products and is not an operator here."""
        self.channels, self.size = bands, (self.size[0] // bands, self.size[1])

    def whole(self, name: str, out_channels: int) -> None:
        """A convolution with a bias that takes the whole map at once: a product of one row."""
        weights = self.channels * self.size[0] * self.size[1] * out_channels
        self.layers.append(
            Layer(
                name=name,
                part="trunk",
                kind="pointwise",
                in_channels=self.channels,
                out_channels=out_channels,
                in_size=self.size,
                out_size=(1, 1),
                kernel=self.size,
                macs=weights,
                params=weights + out_channels,
                weight_elements=weights,
            )
        )
        self.channels, self.size = out_channels, (1, 1)

    def bottleneck(
        self,
        path: str,
        out_channels: int,
        expansion: int,
        kernel: int,
        stride: tuple[int, int],
        *,
        residual: bool,
        fused: bool,
    ) -> None:
        """The operators of `blocks.InvertedBottleneck`."""
        hidden = self.channels * expansion
        held = self.channels * self.size[0] * self.size[1] if residual else 0
        if fused:
            self.conv(f"{path}.expand.conv", hidden, kernel=kernel, stride=stride)
        else:
            self.conv(f"{path}.expand.conv", hidden)
            self.conv(
                f"{path}.depthwise.conv",
                hidden,
                kernel=kernel,
                stride=stride,
                depthwise=True,
                held_elements=held,
            )
        self.conv(f"{path}.project.conv", out_channels, held_elements=held)
        if residual:
            self._weightless(path, "add", self.size)

    def normalise(self) -> None:
        """The operators of `blocks.MeanSubtraction` but those on a number per frame or band."""
        size = height, width = self.size
        self._weightless("normalise.loudness", "pool", (1, width), kernel=(height, 1))
        self.size = size
        self._weightless(
            "normalise.bands", "pool", (height, 1), kernel=(1, width), held_elements=width
        )
        self.size = size
        self._weightless("normalise.subtract", "subtract", size, held_elements=height + width)
        self._weightless("normalise", "multiply", size, held_elements=width)

    def pool(self, kind: str) -> None:
        """The operators of `blocks.TimePool`."""
        height, width = self.size
        if kind == "mean":
            self._weightless("pool.mean", "pool", (1, 1), kernel=self.size)
            return
        self._weightless("pool.frequency", "pool", (1, width), kernel=(height, 1))
        self._weightless("pool.max", "pool", (1, 1), kernel=(1, width))
        if kind == "max":
            return
        self.size = (1, width)
        held = self.channels
        self._weightless("pool.mean", "pool", (1, 1), kernel=(1, width), held_elements=held)
        if kind == "mean_max":
            self._weightless("pool", "add", (1, 1))
        else:
            self._weightless("pool", "concat", (2, 1))

    def _weightless(
        self,
        name: str,
        kind: str,
        out_size: tuple[int, int],
        *,
        kernel: tuple[int, int] = (1, 1),
        held_elements: int = 0,
    ) -> None:
        """An operator without products: counts no MACs."""
        self.layers.append(
            Layer(
                name=name,
                part="trunk",
                kind=kind,
                in_channels=self.channels,
                out_channels=self.channels,
                in_size=self.size,
                out_size=out_size,
                kernel=kernel,
                held_elements=held_elements,
            )
        )
        self.size = out_size
