"""Which nets one training step visits: NNI's strategy samples alone, the sandwich rule is ours."""

from __future__ import annotations

import numpy as np

from search_spaces.architecture import Architecture, largest, random_architecture, smallest
from search_spaces.space import SpaceSpec


def sandwich(spec: SpaceSpec, rng: np.random.Generator, num_random: int = 2) -> list[Architecture]:
    """The largest net, the smallest, and ``num_random`` others.

    Yu & Huang 2019, "Universally slimmable networks", section 3.1: bounding the error at both ends
    bounds it between. The largest comes first, since the others learn from its output.
    """
    others = [random_architecture(spec, rng) for _ in range(num_random)]
    return [largest(spec), smallest(spec), *others]
