"""Colour maps as piecewise-linear functions, which a lowered net computes by two convolutions.

The perceptual maps are matplotlib's (CC0: Smith & van der Walt 2015; cividis: Nunez et al. 2018),
read from it when a picture is first made; grey and jet stand here. Letters: P points, N knots.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import UserError

Colours = NDArray[np.float64]

KNOTS = 17  # off by at most 6 of 255, cividis, which has a kink, by 11
# Where matplotlib's jet bends, and its red, green and blue there.
JET_BENDS = (0.0, 0.11, 0.125, 0.34, 0.35, 0.375, 0.64, 0.65, 0.66, 0.89, 0.91, 1.0)
JET_CHANNELS = (
    ((0.0, 0.35, 0.66, 0.89, 1.0), (0.0, 0.0, 1.0, 1.0, 0.5)),
    ((0.0, 0.125, 0.375, 0.64, 0.91, 1.0), (0.0, 0.0, 1.0, 1.0, 0.0, 0.0)),
    ((0.0, 0.11, 0.34, 0.65, 1.0), (0.5, 1.0, 1.0, 0.0, 0.0)),
)
OWN = ("grey", "jet")
FROM_MATPLOTLIB = ("viridis", "magma", "inferno", "plasma", "cividis")
COLOUR_MAPS = (*OWN, *FROM_MATPLOTLIB)


@lru_cache(maxsize=len(COLOUR_MAPS))
def colour_knots(name: str) -> tuple[Colours, Colours]:
    """Where the colour map bends and what it is there.

    Returns:
        Values in [0, 1] [N], ascending from 0 to 1, and their colours in [0, 1] [N, 3].

    Raises:
        UserError: there is no such colour map.
    """
    if name not in COLOUR_MAPS:
        raise UserError(f"colour_map: got {name!r}, allowed: {', '.join(COLOUR_MAPS)}")
    if name == "grey":
        values = np.array([0.0, 1.0])
        return values, np.repeat(values[:, None], 3, axis=1)
    if name == "jet":
        values = np.array(JET_BENDS)
        return values, np.stack([np.interp(values, *channel) for channel in JET_CHANNELS], axis=1)
    from matplotlib import colormaps

    values = np.linspace(0.0, 1.0, KNOTS)
    table = np.asarray(colormaps[name].resampled(256)(np.linspace(0.0, 1.0, 256)))[:, :3]
    places = np.linspace(0.0, 1.0, len(table))
    colours = [np.interp(values, places, table[:, channel]) for channel in range(3)]
    return values, np.stack(colours, axis=1)


def colour(name: str, values: NDArray[np.floating]) -> Colours:
    """Colours in [0, 1] [P, 3] of values in [0, 1] [P]; beyond, the colour of the end.

    Raises:
        UserError: there is no such colour map.
    """
    knots, colours = colour_knots(name)
    return np.stack([np.interp(values, knots, channel) for channel in colours.T], axis=1)
