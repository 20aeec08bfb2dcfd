from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules import losses

N = 11


def logits_of(*probabilities: float) -> torch.Tensor:
    return torch.tensor([probabilities]).log()


def label(value: int) -> torch.Tensor:
    return torch.tensor([value])


def test_a_plain_label_gives_cross_entropy():
    logits = torch.randn(5, N)
    labels = torch.tensor([0, 3, 10, 7, 1])
    expected = torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(losses.interval_nll(logits, labels, labels), expected)


def test_an_interval_is_as_likely_as_its_counts_together():
    loss = losses.interval_nll(logits_of(0.1, 0.2, 0.3, 0.4), label(1), label(2))
    assert loss.item() == pytest.approx(-math.log(0.5))


def test_squared_emd_of_a_hand_made_sum():
    # Cumulative 0.1 0.3 0.6 1; the label 2 is 0 0 1 1.
    loss = losses.interval_squared_emd(logits_of(0.1, 0.2, 0.3, 0.4), label(2), label(2))
    assert loss.item() == pytest.approx(0.1**2 + 0.3**2 + 0.4**2)


def test_squared_emd_says_nothing_within_the_interval():
    # Label [1, 3]: 0 ? ? 1, so only 0.1 at count 0 is wrong.
    loss = losses.interval_squared_emd(logits_of(0.1, 0.2, 0.3, 0.4), label(1), label(3))
    assert loss.item() == pytest.approx(0.1**2)


@given(st.integers(0, 10), st.integers(0, 10))
def test_losses_rise_with_the_distance_from_the_interval(first: int, second: int):
    lo, hi = min(first, second), max(first, second)
    sure = torch.eye(N) * 20
    by_count = [
        losses.interval_squared_emd(sure[count : count + 1], label(lo), label(hi)).item()
        for count in range(N)
    ]
    assert all(value < 1e-6 for value in by_count[lo : hi + 1])
    assert by_count[: lo + 1] == sorted(by_count[: lo + 1], reverse=True)
    assert by_count[hi:] == sorted(by_count[hi:])


def test_soft_losses_are_least_at_the_target_and_gated_by_weight():
    target = torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]])
    weight = torch.tensor([1.0, 0.0])
    for loss in (losses.soft_cross_entropy, losses.soft_squared_emd):
        at_target = loss(target.log(), target)
        assert at_target < loss(torch.zeros(2, 3), target)
        gated = loss(torch.zeros(2, 3), target, weight)
        assert gated.item() == pytest.approx(loss(torch.zeros(1, 3), target[:1]).item() / 2)


def test_bounds_cost_nothing_within_and_the_squared_excess_outside():
    cumulative = torch.tensor([[0.2, 0.6, 1.0]])
    logits = logits_of(0.2, 0.4, 0.4)
    inside = losses.cumulative_bounds_loss(logits, cumulative - 0.1, cumulative + 0.1)
    outside = losses.cumulative_bounds_loss(logits, cumulative - 0.5, cumulative - 0.1)
    assert inside.item() == 0
    assert outside.item() == pytest.approx(3 * 0.1**2, rel=1e-4)
