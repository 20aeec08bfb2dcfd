"""Metrics on cases whose answer can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.errors import UserError
from search_spaces.metrics import (
    Estimate,
    bootstrap_mean,
    confusion_matrix,
    evaluate,
    expected_calibration_error,
    reliability,
)


def certain(counts):
    """Probabilities [N, 11] that are sure of ``counts``."""
    return np.eye(11)[np.asarray(counts)]


def test_every_metric_by_hand():
    # said 0, 1, 3, 9 of true 0, 2, 4, 6: one level wrong, off by 0, 1, 1, 3, one count exact
    result = evaluate(certain([0, 1, 3, 9]), [0, 2, 4, 6], [0, 2, 4, 6])
    assert result.level_error.value == pytest.approx(0.25)
    assert result.mae.value == pytest.approx(1.25)
    assert result.exact_accuracy.value == pytest.approx(0.25)
    assert result.ece == pytest.approx(0.25)  # always sure, right three times of four
    assert result.level_confusion.tolist() == [
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 1],
    ]
    assert result.count_confusion[4, 3] == 1
    assert result.count_confusion.sum() == result.clips == 4


def test_a_metric_looks_only_at_the_clips_whose_label_settles_it():
    # [2, 4] settles the level (some) but no count; [1, 2] settles nothing
    result = evaluate(certain([3, 1, 6]), [2, 1, 5], [4, 2, 5])
    assert (result.level_error.clips, result.mae.clips) == (2, 1)
    assert result.level_error.value == 0.0
    assert result.mae.value == 1.0


def test_without_a_settling_label_the_value_is_null_with_a_reason():
    result = evaluate(certain([3]), [1], [2])
    assert result.level_error == Estimate(None, None, None, 0)
    assert result.ece is None
    assert result.mae.to_json()["reason"] == "no clip has a label that settles this metric"


def test_the_interval_covers_the_truth_about_as_often_as_it_claims():
    rng = np.random.default_rng(0)
    samples = (rng.random((200, 150)) < 0.2).astype(float)
    estimates = [bootstrap_mean(sample, seed=1, resamples=400) for sample in samples]
    covered = np.mean([e.low <= 0.2 <= e.high for e in estimates])
    assert 0.90 <= covered <= 0.99
    assert all(e.low < e.value < e.high for e in estimates)


def test_the_interval_narrows_with_the_square_root_of_the_clips_and_is_seeded():
    values = np.tile([0.0, 0.0, 0.0, 1.0], 25)
    few, many = bootstrap_mean(values, seed=3), bootstrap_mean(np.tile(values, 16), seed=3)
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4.0, rel=0.15)
    assert bootstrap_mean(values, seed=3) == few
    assert few.high - few.low == pytest.approx(2 * 1.96 * np.sqrt(0.25 * 0.75 / 100), rel=0.15)


def test_no_error_among_few_clips_does_not_claim_certainty():
    none = bootstrap_mean(np.zeros(100))
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(0.0362, abs=1e-4)  # Clopper-Pearson for 0 of 100
    full = bootstrap_mean(np.ones(100))
    assert (full.value, full.high) == (1.0, 1.0)
    assert full.low == pytest.approx(1 - 0.0362, abs=1e-4)


def test_equal_errors_of_few_clips_do_not_claim_certainty_either():
    others = 1 - 0.025 ** (1 / 4)  # of four clips, by Clopper-Pearson
    none = bootstrap_mean(np.zeros(4), most=10.0)
    assert (none.low, none.high) == (0.0, pytest.approx(10 * others))
    off_by_two = bootstrap_mean(np.full(4, 2.0), most=10.0)
    assert off_by_two.low == pytest.approx(2 - 2 * others)
    assert off_by_two.high == pytest.approx(2 + 8 * others)
    unbounded = bootstrap_mean(np.full(4, 2.0), most=None)
    assert (unbounded.low, unbounded.high) == (2.0, 2.0)


def test_estimate_round_trip():
    estimate = bootstrap_mean(np.array([0.0, 1.0, 1.0]))
    assert Estimate.from_json(estimate.to_json()) == estimate


def test_reliability_and_ece_by_hand():
    # bin (0.4, 0.6]: 0.5 and 0.6, one right: gap 0.05; bin (0.8, 1.0]: 0.9, right: gap 0.1
    diagram = reliability([0.5, 0.6, 0.9], [True, False, True], bins=5)
    assert diagram.clips.tolist() == [0, 0, 2, 0, 1]
    assert diagram.confidence[2] == pytest.approx(0.55)
    assert diagram.accuracy[2] == pytest.approx(0.5)
    assert np.isnan(diagram.accuracy[0])
    ece = expected_calibration_error([0.5, 0.6, 0.9], [True, False, True], bins=5)
    assert ece == pytest.approx((2 * 0.05 + 1 * 0.1) / 3)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_confusion_matrix_counts_every_pair(pairs):
    true, predicted = np.array(pairs).T
    matrix = confusion_matrix(true, predicted, 4)
    for row in range(4):
        for column in range(4):
            assert matrix[row, column] == pairs.count((row, column))


@pytest.mark.parametrize(
    ("lo", "hi", "message"),
    [
        ([1], [1], r"labels: got shapes lo \[1\] and hi \[1\], expected \[2\]"),
        ([1, 3], [1, 2], r"labels: clip 1 has the interval \[3, 2\], expected 0 <= lo <= hi <= 10"),
        ([1, 3], [1, 11], r"labels: clip 1 has the interval \[3, 11\]"),
    ],
)
def test_labels_that_do_not_fit_are_refused(lo, hi, message):
    with pytest.raises(UserError, match=message):
        evaluate(certain([1, 1]), lo, hi)
