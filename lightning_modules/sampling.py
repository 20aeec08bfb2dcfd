"""Which subnets a training step visits, as settings of `fit`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lightning_modules.ranges import check_range
from search_spaces.errors import UserError


@dataclass(frozen=True)
class Sampling:
    """How the subnets of a step are drawn; each step trains as many of them in either way.

    Attributes:
        kind: ``sandwich`` takes the largest, the smallest and random ones from the first step on;
            ``progressive`` takes the largest and random ones, at first only with other front ends
            and strides than the largest has, later also with smaller kernels, fewer blocks and at
            last fewer channels (`strategy.progressive_space`).
        begin: shares of all steps after which kernels, depths and widths shrink, if progressive.
    """

    kind: Literal["sandwich", "progressive"] = "sandwich"
    begin: tuple[float, float, float] = (0.25, 0.4, 0.65)

    def __post_init__(self) -> None:
        for share in self.begin:
            check_range("sampling.begin", share, 0.0, 1.0)
        if list(self.begin) != sorted(self.begin):
            raise UserError(
                f"model.sampling.begin: got {list(self.begin)}, expected kernels, depths and widths"
                " one after the other"
            )
