"""One operator of a lowered net, as costs and latency predictions see it.

Letters: H height (frequency), W width (time); one clip, batch of one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator as XNNPACK runs it: batch norm and ReLU are folded into their convolution.

    Attributes:
        name: path of the module in the net of `build_subnet`, e.g. ``stages.0.1.depthwise.conv``.
        part: ``frontend`` or ``trunk``.
        kind: ``conv`` (dense, larger than 1x1), ``pointwise`` (also of a whole map), ``depthwise``,
            ``pool``, ``concat``, ``add``, ``subtract``, ``multiply``; the front end names its own.
        in_channels, out_channels: channels of one input and of the output.
        in_size, out_size, kernel: (H, W).
        macs: multiply-accumulates.
        params: learnt numbers, with those of the batch norm that follows.
        weight_elements: numbers of the weights that the operator reads, learnt or fixed, no bias.
        held_elements: numbers that wait for a later operator while this one runs (a residual).
    """

    name: str
    part: str
    kind: str
    in_channels: int
    out_channels: int
    in_size: tuple[int, int]
    out_size: tuple[int, int]
    kernel: tuple[int, int] = (1, 1)
    macs: int = 0
    params: int = 0
    weight_elements: int = 0
    held_elements: int = 0

    @property
    def input_elements(self) -> int:
        """Numbers read as activations; an ``add`` reads two tensors."""
        tensors = 2 if self.kind == "add" else 1
        return tensors * self.in_channels * self.in_size[0] * self.in_size[1]

    @property
    def output_elements(self) -> int:
        """Numbers written."""
        return self.out_channels * self.out_size[0] * self.out_size[1]

    @property
    def live_elements(self) -> int:
        """Numbers in memory while it runs, but its weights."""
        return self.input_elements + self.output_elements + self.held_elements
