"""The ranking statistic rewards being right, not being sure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.errors import UserError
from search_spaces.ranking import ranked_probability_score


def noisy_net(seed, skill, sharpness):
    """Probabilities [200, 11] of a net that sees the count through noise, and its labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 11, 200)
    seen = labels + rng.standard_normal(200) / skill
    logits = -sharpness * (np.arange(11) - seen[:, None]) ** 2
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponent / exponent.sum(axis=1, keepdims=True), labels


def test_by_hand():
    # Cumulative 0.5, 0.75, 1 against 0, 1, 1: 0.25 + 0.0625.
    assert ranked_probability_score([[0.5, 0.25, 0.25]], [1], [1]) == pytest.approx(0.3125)


@given(st.integers(0, 10), st.integers(0, 10))
def test_a_net_that_is_sure_scores_its_absolute_error(said, true):
    sure = np.eye(11)[[said]]
    assert ranked_probability_score(sure, [true], [true]) == pytest.approx(abs(said - true))


def test_being_too_sure_of_itself_costs_a_net():
    # A net that sees through unit noise is honest at the sharpness 1/2.
    honest, labels = noisy_net(0, skill=1.0, sharpness=0.5)
    for sharpness in (0.1, 3.0):
        other, _ = noisy_net(0, skill=1.0, sharpness=sharpness)
        assert ranked_probability_score(honest, labels, labels) < ranked_probability_score(
            other, labels, labels
        )


@given(st.integers(0, 1000))
def test_the_net_that_sees_better_ranks_better(seed):
    better, labels = noisy_net(seed, skill=4.0, sharpness=1.0)
    worse, _ = noisy_net(seed, skill=1.0, sharpness=1.0)
    assert ranked_probability_score(better, labels, labels) < ranked_probability_score(
        worse, labels, labels
    )


def test_an_interval_judges_only_what_it_settles():
    probabilities, _ = noisy_net(1, skill=1.0, sharpness=1.0)
    assert ranked_probability_score(probabilities, np.zeros(200), np.full(200, 10)) < 1e-9
    # Said 0 where 2..4 is known: thresholds 0 and 1 are wrong, 2 and 3 are open.
    assert ranked_probability_score(np.eye(11)[[0]], [2], [4]) == pytest.approx(2.0)
    assert ranked_probability_score(np.eye(11)[[3]], [2], [4]) == pytest.approx(0.0)
    assert ranked_probability_score(np.eye(11)[[6]], [2], [4]) == pytest.approx(2.0)


def test_ranking_needs_clips():
    with pytest.raises(UserError, match="labels: got no clips, expected at least one"):
        ranked_probability_score(np.zeros((0, 11)), [], [])
