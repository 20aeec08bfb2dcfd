import numpy as np

from search_spaces.architecture import largest, smallest
from search_spaces.space import get_space
from search_spaces.strategy import sandwich

LITE = get_space("sam-lite")


def test_sandwich_is_largest_smallest_and_the_random_ones():
    nets = sandwich(LITE, np.random.default_rng(0), num_random=3)
    assert nets[:2] == [largest(LITE), smallest(LITE)]
    assert len(nets) == 5
    assert len(set(nets)) == 5


def test_sandwich_follows_the_seed():
    first, again = (sandwich(LITE, np.random.default_rng(3)) for _ in range(2))
    assert first == again
