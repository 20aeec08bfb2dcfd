"""Which nets and front ends of a space are measured for a cost table."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from search_spaces.architecture import Architecture, largest, random_architecture, smallest
from search_spaces.errors import UserError
from search_spaces.space import FRONTEND_DIMENSIONS, Choice, SpaceSpec

MAX_FRONTENDS = 64


@dataclass(frozen=True)
class CostSamples:
    """What is measured.

    Attributes:
        frontends: the front end's dimensions only.
        fitted: whole nets that the predictor is fitted to, the smallest and the largest first.
        held_out: random whole nets that only judge it.
    """

    frontends: tuple[dict[str, Choice], ...]
    fitted: tuple[Architecture, ...]
    held_out: tuple[Architecture, ...]


def draw_samples(space: SpaceSpec, subnets: int, holdout: int, seed: int) -> CostSamples:
    """Draw distinct nets; the same for the same arguments.

    The held-out nets are drawn first, so that more ``subnets`` leave them as they are.

    Raises:
        UserError: more nets than the space has, or too few to fit.
    """
    if subnets < 2:
        raise UserError(f"--subnets: got {subnets}, expected at least 2 (smallest and largest)")
    if subnets + holdout > space.size:
        raise UserError(
            f"--subnets {subnets} and --holdout {holdout}: space {space.name} has only"
            f" {space.size} nets; ask for fewer"
        )
    rng = np.random.default_rng(seed)
    drawn = {smallest(space): None, largest(space): None}
    while len(drawn) < subnets + holdout:
        drawn[random_architecture(space, rng)] = None
    extremes, random = list(drawn)[:2], list(drawn)[2:]
    return CostSamples(
        frontends=_frontends(space, rng),
        fitted=(*extremes, *random[holdout:]),
        held_out=tuple(random[:holdout]),
    )


def _frontends(space: SpaceSpec, rng: np.random.Generator) -> tuple[dict[str, Choice], ...]:
    """All of them, or a random 64 of more."""
    choices = [space.dimensions[name] for name in FRONTEND_DIMENSIONS]
    every = [
        dict(zip(FRONTEND_DIMENSIONS, combination, strict=True))
        for combination in itertools.product(*choices)
    ]
    if len(every) <= MAX_FRONTENDS:
        return tuple(every)
    picked = rng.choice(len(every), MAX_FRONTENDS, replace=False)
    return tuple(every[index] for index in sorted(picked))
