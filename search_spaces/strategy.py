"""Which nets one training step visits: NNI's strategy samples alone, these rules are ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from search_spaces.architecture import Architecture, largest, random_architecture, smallest
from search_spaces.space import SpaceSpec

# Once-for-All's order. What remains, front ends and strides, is the resolution of the maps, and is
# elastic throughout.
SHRINKING: tuple[tuple[str, ...], ...] = (
    ("kernel", "pool"),
    ("depth",),
    ("width", "expansion", "hidden"),
)


def sandwich(spec: SpaceSpec, rng: np.random.Generator, num_random: int = 2) -> list[Architecture]:
    """The largest net, the smallest, and ``num_random`` others.

    Yu & Huang 2019, "Universally slimmable networks", section 3.1: bounding the error at both ends
    bounds it between. The largest comes first, since the others learn from its output.
    """
    others = [random_architecture(spec, rng) for _ in range(num_random)]
    return [largest(spec), smallest(spec), *others]


def progressive(
    spec: SpaceSpec,
    rng: np.random.Generator,
    done: float,
    begin: Sequence[float],
    num_random: int = 3,
) -> list[Architecture]:
    """The largest net, and ``num_random`` of those that are open so far.

    Args:
        spec: the space.
        rng: draws the others.
        done: share of the training's steps that are done, in [0, 1].
        begin: see `progressive_space`.
        num_random: none is drawn while the largest net is the only one open.
    """
    opened = progressive_space(spec, done, begin)
    number = num_random if opened.size > 1 else 0
    return [largest(spec), *(random_architecture(opened, rng) for _ in range(number))]


def progressive_space(spec: SpaceSpec, done: float, begin: Sequence[float]) -> SpaceSpec:
    """The part of a space that progressive shrinking trains when ``done`` of its steps are done.

    Cai et al. 2020, "Once-for-All", section 3.3: kernels first, then depths, then widths, each from
    the dearest choice down; a kind with three choices opens its second in the first half of its
    phase and its third in the other. All that was opened stays open.

    Args:
        spec: the space.
        done: share of the training's steps.
        begin: share at which each kind of `SHRINKING` begins to shrink, in order.
    """
    ends = [*begin[1:], 1.0]
    dimensions = dict(spec.dimensions)
    for kinds, start, end in zip(SHRINKING, begin, ends, strict=True):
        names = [name for name in dimensions if name.split("_")[-1] in kinds]
        parts = max(len(dimensions[name]) for name in names) - 1
        phase = min(1.0, (done - start) / (end - start)) if end > start else 1.0
        opened = 0 if done < start else min(parts, math.floor(phase * parts) + 1)
        for name in names:
            dimensions[name] = dimensions[name][-(opened + 1) :]
    return replace(spec, dimensions=dimensions)
