"""The frontier is what no other point beats."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.pareto import non_dominated, spread

points = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=25
)


def beats(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


@given(points)
def test_non_dominated_against_the_definition(values):
    front = {values[i] for i in non_dominated(values)}
    assert front == {a for a in values if not any(beats(b, a) for b in values)}
    assert len(non_dominated(values)) == len(front)  # one of equals


@given(points, st.integers(1, 6))
def test_spread_begins_with_the_least_error_and_never_repeats(values, number):
    front = [values[i] for i in non_dominated(values)]
    chosen = spread(front, number)
    assert len(chosen) == len(set(chosen)) == min(number, len(front))
    assert front[chosen[0]] == min(front)


def test_spread_reaches_both_ends_before_it_fills_the_middle():
    errors = np.linspace(0.0, 1.0, 11)
    front = np.stack([errors, (1 - errors) ** 2], axis=1)
    chosen = spread(front, 3)
    assert chosen[0] == 0
    assert max(chosen) >= 5
