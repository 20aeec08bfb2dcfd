import pytest

from search_spaces.errors import UserError
from search_spaces.space import SpaceSpec
from search_spaces.spaces import get_space


def test_size_is_the_product_of_the_choices():
    assert SpaceSpec("toy", 1, {"a": (1, 2, 3), "b": ("x", "y"), "c": (7,)}).size == 6


def test_restricted_keeps_the_name_and_the_other_dimensions():
    sam = get_space("sam")
    part = sam.restricted({"stage1_depth": 2})
    assert part.name == "sam"
    assert part.dimensions["stage1_depth"] == (2,)
    assert part.size * len(sam.dimensions["stage1_depth"]) == sam.size


@pytest.mark.parametrize(
    ("dimension", "choice", "message"),
    [
        (
            "stage9_depth",
            1,
            r"space sam has no dimension 'stage9_depth'; it has frontend_rate_hz, ",
        ),
        ("stage1_kernel", 4, r"stage1_kernel = 4 is not in space sam; allowed: 3, 5"),
        ("stage1_kernel", 3.0, r"stage1_kernel = 3.0 is not in space sam"),
        ("stage1_depth", True, r"stage1_depth = True is not in space sam"),
        ("pool", "median", r"pool = 'median' is not in space sam; allowed: mean, max, mean_max"),
    ],
)
def test_a_choice_outside_the_space_is_refused(dimension, choice, message):
    with pytest.raises(UserError, match=message):
        get_space("sam").restricted({dimension: choice})
