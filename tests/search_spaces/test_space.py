import pytest

from search_spaces.blocks import POOL_ROWS
from search_spaces.errors import UserError
from search_spaces.space import FRONTEND_DIMENSIONS, SPACES, SpaceSpec, get_space


def test_size_is_the_product_of_the_choices():
    assert SpaceSpec("toy", 1, {"a": (1, 2, 3), "b": ("x", "y"), "c": (7,)}).size == 6


def test_the_full_space_has_a_thousand_million_architectures():
    assert get_space("sam").size >= 10**9


def test_the_small_spaces_lie_within_the_full_one():
    sam = get_space("sam")
    for name in ("sam-lite", "sam-nano"):
        space = get_space(name)
        assert list(space.dimensions) == list(sam.dimensions)
        for dimension, choices in space.dimensions.items():
            assert set(choices) <= set(sam.dimensions[dimension]), dimension


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_dimension_is_sane(space):
    assert set(FRONTEND_DIMENSIONS) <= set(space.dimensions)
    for bands in space.dimensions.get("stem_bands", (1,)):
        assert all(mels % int(bands) == 0 for mels in space.dimensions["frontend_mels"])
    for dimension, choices in space.dimensions.items():
        assert dimension.isidentifier()  # NNI's DARTS makes parameter names of them
        assert len(set(choices)) == len(choices) > 0
        if dimension.endswith("_kernel"):
            assert all(kernel % 2 == 1 for kernel in choices), "XNNPACK: odd kernels only"
        if dimension.endswith("_width"):
            assert all(width % 8 == 0 for width in choices)
        if dimension == "pool":
            assert len({POOL_ROWS[kind] for kind in choices}) == 1, "one head takes them all"


def test_unknown_space_names_those_there_are():
    with pytest.raises(UserError, match=r"space 'big' is unknown; there are sam, sam-lite, sam-n"):
        get_space("big")


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


def test_the_spaces_of_a_second_are_the_same_nets_for_shorter_clips():
    for name in ("sam", "sam-lite", "sam-nano"):
        long, short = get_space(name), get_space(f"{name}-1s")
        assert short.dimensions == long.dimensions
        assert (long.clip_seconds, short.clip_seconds) == (5.0, 1.0)
        assert short.restricted({"pool": "mean"}).clip_samples == 16_000
