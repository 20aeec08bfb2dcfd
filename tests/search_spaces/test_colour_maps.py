from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from search_spaces.colour_maps import COLOUR_MAPS, colour, colour_knots
from search_spaces.errors import UserError

VALUES = np.linspace(0.0, 1.0, 256)
# In steps of a display, 255; cividis has a kink between two knots.
WORST_STEPS = {"grey": 0.1, "jet": 0.1, "cividis": 11}


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colours_are_those_of_matplotlib(name: str):
    theirs = matplotlib.colormaps["gray" if name == "grey" else name](VALUES)[:, :3]
    steps = 255 * np.abs(colour(name, VALUES) - theirs).max()
    assert steps <= WORST_STEPS.get(name, 6.5)


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_knots_ascend_from_0_to_1(name: str):
    values, colours = colour_knots(name)
    assert (values[0], values[-1]) == (0.0, 1.0)
    assert (np.diff(values) > 0).all()
    assert colours.shape == (len(values), 3)
    assert colours.min() >= 0
    assert colours.max() <= 1


def test_beyond_the_ends_it_stays_the_colour_of_the_end():
    ends = colour("viridis", np.array([-1.0, 2.0]))
    np.testing.assert_array_equal(ends, colour("viridis", np.array([0.0, 1.0])))


def test_an_unknown_map_is_refused():
    with pytest.raises(UserError, match=r"colour_map: got 'rainbow', allowed: grey, jet, viridis"):
        colour_knots("rainbow")
