"""The ranking statistic rewards being right, not being sure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.errors import UserError
from search_spaces.metrics import expected_level_error
from search_spaces.ranking import at_temperature, ranking_error


def noisy_net(seed, skill, sharpness):
    """Probabilities [200, 11] of a net that sees the count through noise, and its labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 11, 200)
    seen = labels + rng.standard_normal(200) / skill
    logits = -sharpness * (np.arange(11) - seen[:, None]) ** 2
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponent / exponent.sum(axis=1, keepdims=True), labels


def test_being_sure_of_itself_gains_a_net_nothing():
    careful, labels = noisy_net(0, skill=2.0, sharpness=1.0)
    sure, _ = noisy_net(0, skill=2.0, sharpness=3.0)
    assert expected_level_error(sure, labels, labels) < expected_level_error(
        careful, labels, labels
    )
    assert ranking_error(sure, labels, labels) == pytest.approx(
        ranking_error(careful, labels, labels), abs=1e-3
    )


@given(st.integers(0, 1000), st.floats(0.3, 3.0))
def test_the_net_that_sees_better_ranks_better_whatever_its_sharpness(seed, sharpness):
    better, labels = noisy_net(seed, skill=4.0, sharpness=sharpness)
    worse, _ = noisy_net(seed, skill=1.0, sharpness=1.0)
    assert ranking_error(better, labels, labels) < ranking_error(worse, labels, labels)


def test_a_temperature_divides_the_logits():
    logits = np.array([[0.0, 1.0, -2.0]])
    probabilities = np.exp(logits) / np.exp(logits).sum()
    half = np.exp(logits / 2) / np.exp(logits / 2).sum()
    np.testing.assert_allclose(at_temperature(probabilities, 2.0), half)
    np.testing.assert_allclose(at_temperature(np.array([[0.0, 1.0]]), 1.0), [[0, 1]], atol=1e-9)


def test_intervals_count_every_level_that_they_touch():
    probabilities, _ = noisy_net(1, skill=1.0, sharpness=1.0)
    assert ranking_error(probabilities, np.zeros(200), np.full(200, 10)) == pytest.approx(0.0)


def test_ranking_needs_clips():
    with pytest.raises(UserError, match="labels: got no clips, expected at least one"):
        ranking_error(np.zeros((0, 11)), [], [])
