import pytest

from search_spaces.blocks import POOL_ROWS
from search_spaces.errors import UserError
from search_spaces.space import FRONTEND_DIMENSIONS
from search_spaces.spaces import SPACES, get_space


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


def test_the_spaces_of_a_second_are_the_same_nets_for_shorter_clips():
    for name in ("sam", "sam-lite", "sam-nano"):
        long, short = get_space(name), get_space(f"{name}-1s")
        assert short.dimensions == long.dimensions
        assert (long.clip_seconds, short.clip_seconds) == (5.0, 1.0)
        assert short.restricted({"pool": "mean"}).clip_samples == 16_000
