"""What a search space is: which choices each dimension of a net offers.

A space is data (`spaces`). Its dimensions name what differs between two nets (`net.assemble`
turns one choice per dimension into a net, `nni_adapter` the whole table into an NNI model space).
Each dimension lists its choices from the cheapest to the dearest, so that the first of all is the
smallest net and the last of all the largest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.errors import UserError

Choice = int | str

FRONTEND_DIMENSIONS = (
    "frontend_rate_hz",
    "frontend_hop_ms",
    "frontend_window_ms",
    "frontend_mels",
)
NUM_STAGES = 4


@dataclass(frozen=True)
class SpaceSpec:
    """A named, versioned search space.

    Attributes:
        name: what a user calls it, e.g. ``sam-lite``.
        version: rises with every change that would make an old architecture or checkpoint mean
            another net.
        dimensions: choices per dimension, cheapest first.
        clip_samples: T, what a net of the space hears at once, at 16 kHz; costs are of one clip.
    """

    name: str
    version: int
    dimensions: Mapping[str, tuple[Choice, ...]]
    clip_samples: int = CLIP_SAMPLES

    @property
    def size(self) -> int:
        """Number of architectures."""
        return math.prod(len(choices) for choices in self.dimensions.values())

    @property
    def open_dimensions(self) -> list[str]:
        """Names of the dimensions that offer a choice."""
        return [name for name, choices in self.dimensions.items() if len(choices) > 1]

    @property
    def one_frontend(self) -> bool:
        """Whether all of its nets have the same front end."""
        return not any(name.startswith("frontend_") for name in self.open_dimensions)

    @property
    def clip_seconds(self) -> float:
        """Length of a clip."""
        return self.clip_samples / SAMPLE_RATE_HZ

    def restricted(self, fixed: Mapping[str, Choice]) -> SpaceSpec:
        """The part of the space in which the dimensions in ``fixed`` offer that choice alone.

        Its architectures are architectures of the whole space, hence the same name.

        Raises:
            UserError: a dimension that the space lacks, or a choice that it does not offer.
        """
        for dimension, choice in fixed.items():
            self.check_choice(dimension, choice)
        narrowed = {dimension: (choice,) for dimension, choice in fixed.items()}
        return replace(self, dimensions={**self.dimensions, **narrowed})

    def check_choice(self, dimension: str, choice: Choice) -> None:
        """Refuse a dimension or a choice that is not in the space.

        Raises:
            UserError: naming the dimension, what was got and what is allowed.
        """
        if dimension not in self.dimensions:
            raise UserError(
                f"architecture: space {self.name} has no dimension {dimension!r};"
                f" it has {', '.join(self.dimensions)}"
            )
        allowed = self.dimensions[dimension]
        if type(choice) is not type(allowed[0]) or choice not in allowed:
            raise UserError(
                f"architecture: {dimension} = {choice!r} is not in space {self.name};"
                f" allowed: {', '.join(map(str, allowed))}"
            )


def stem_frequency_stride(bands: int) -> int:
    """By how many positions the stem's convolution strides; ``bands`` are channels of each."""
    return 2 if bands == 1 else 1
