import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.architecture import largest, smallest
from search_spaces.spaces import get_space
from search_spaces.strategy import progressive, progressive_space, sandwich

LITE = get_space("sam-lite")


def test_sandwich_is_largest_smallest_and_the_random_ones():
    nets = sandwich(LITE, np.random.default_rng(0), num_random=3)
    assert nets[:2] == [largest(LITE), smallest(LITE)]
    assert len(nets) == 5
    assert len(set(nets)) == 5


def test_sandwich_follows_the_seed():
    first, again = (sandwich(LITE, np.random.default_rng(3)) for _ in range(2))
    assert first == again


BEGIN = (0.25, 0.4, 0.65)


def open_dimensions(done: float) -> set[str]:
    """What a step may shrink, by the last word of the dimension's name."""
    opened = progressive_space(LITE, done, BEGIN).open_dimensions
    return {name.split("_")[-1] for name in opened}


def test_kernels_shrink_first_then_depths_then_widths():
    resolution = {"ms", "mels", "stride"}
    assert open_dimensions(0.0) == resolution
    assert open_dimensions(0.3) == resolution | {"kernel", "pool"}
    assert open_dimensions(0.5) == resolution | {"kernel", "pool", "depth"}
    assert progressive_space(LITE, 0.9, BEGIN) == LITE


def test_choices_open_from_the_dearest_down():
    opened = [progressive_space(LITE, done, BEGIN).dimensions for done in (0.6, 0.7, 0.9)]
    assert [each["stage4_width"] for each in opened] == [(64,), (48, 64), (32, 48, 64)]
    at_once = progressive_space(LITE, 0.5, (0.5, 0.5, 0.5))
    assert at_once.dimensions["stage4_kernel"] == (3, 5)


@given(st.floats(0, 1), st.floats(0, 1))
def test_what_was_opened_stays_open(first: float, second: float):
    before, after = (progressive_space(LITE, x, BEGIN) for x in sorted((first, second)))
    assert all(set(before.dimensions[n]) <= set(after.dimensions[n]) for n in LITE.dimensions)


def test_progressive_shrinking_trains_the_largest_and_some_that_are_open():
    nets = progressive(LITE, np.random.default_rng(0), 0.5, BEGIN, num_random=3)
    assert nets[0] == largest(LITE)
    assert len(nets) == 4
    opened = progressive_space(LITE, 0.5, BEGIN)
    assert all(net.choices[n] in c for net in nets for n, c in opened.dimensions.items())
    narrow = LITE.restricted(largest(LITE).choices)
    assert progressive(narrow, np.random.default_rng(0), 0.5, BEGIN) == [largest(LITE)]
