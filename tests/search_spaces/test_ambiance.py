"""Counts and levels are decided together and never contradict each other."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from search_spaces.ambiance import AmbianceLevels
from search_spaces.errors import UserError


@st.composite
def distributions(draw):
    """Count probabilities [B, 11], each row summing to 1."""
    weights = draw(
        arrays.arrays(
            np.float64,
            (draw(st.integers(1, 6)), 11),
            elements=st.floats(0.0, 1.0, allow_subnormal=False),
        )
    )
    return (weights + 1e-6) / (weights + 1e-6).sum(axis=1, keepdims=True)


@st.composite
def level_tables(draw):
    edges = sorted(draw(st.sets(st.integers(1, 10), min_size=1, max_size=5)))
    return AmbianceLevels(tuple(edges), tuple(f"level{i}" for i in range(len(edges) + 1)))


@given(distributions(), level_tables())
def test_the_count_lies_in_the_level_and_the_level_has_most_probability(probabilities, levels):
    decision = levels.decide(probabilities)
    assert (levels.of_counts(decision.counts) == decision.levels).all()
    np.testing.assert_allclose(decision.probability, levels.probabilities(probabilities).max(1))
    np.testing.assert_allclose(levels.probabilities(probabilities).sum(axis=1), 1.0)


def test_counts_of_each_default_level():
    assert AmbianceLevels().of_counts(np.arange(11)).tolist() == [0, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3]


def test_the_level_may_differ_from_that_of_the_likeliest_count():
    # One voice is the likeliest count (0.4), but 2, 3 and 4 together hold 0.6: level "some", and
    # the median of (0.3, 0.1, 0.2) is its first count.
    row = [0, 0.4, 0.3, 0.1, 0.2, 0, 0, 0, 0, 0, 0]
    decision = AmbianceLevels().decide([row])
    assert (decision.counts[0], decision.levels[0]) == (2, 2)
    assert decision.probability[0] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("row", "count"),
    [
        ([0, 0, 0.3, 0.4, 0.3], 3),
        ([0, 0, 0.5, 0.0, 0.5], 2),  # exactly half is reached at 2
        ([0, 0, 0.1, 0.1, 0.8], 4),
    ],
)
def test_the_count_is_the_median_within_the_level(row, count):
    assert AmbianceLevels().decide([row + [0] * 6]).counts[0] == count


@pytest.mark.parametrize(
    ("edges", "names", "message"),
    [
        ((), ("all",), r"levels.edges: got \[\], expected rising whole numbers within 1..10"),
        ((2, 2), ("a", "b", "c"), r"levels.edges: got \[2, 2\]"),
        ((0, 5), ("a", "b", "c"), r"levels.edges: got \[0, 5\]"),
        ((5, 11), ("a", "b", "c"), r"levels.edges: got \[5, 11\]"),
        ((1.5, 2), ("a", "b", "c"), r"levels.edges: got \[1.5, 2\]"),
        ((1, 2), ("a", "b"), r"levels.names: got \['a', 'b'\], expected 3 distinct names"),
        ((1, 2), ("a", "b", "a"), r"levels.names: got"),
        ((1,), ("a", ""), r"levels.names: got"),
    ],
)
def test_wrong_levels_are_refused(edges, names, message):
    with pytest.raises(UserError, match=message):
        AmbianceLevels(edges, names)


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (np.ones(11) / 11, "probabilities: got shape [11], expected [clips, counts]"),
        (np.ones((2, 5)) / 5, "at least 6 counts for levels that begin at [1, 2, 5]"),
        (np.full((1, 11), np.nan), "probabilities: got NaN or infinity"),
    ],
)
def test_wrong_probabilities_are_refused(probabilities, message):
    with pytest.raises(UserError, match=re.escape(message)):
        AmbianceLevels().decide(probabilities)
