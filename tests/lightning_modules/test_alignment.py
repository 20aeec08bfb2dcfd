from __future__ import annotations

import pytest
import torch

from lightning_modules.alignment import LOWEST_THRESHOLD, PseudoLabelStatistics
from lightning_modules.objective import objective_of
from search_spaces.task_counts import CountsTask

N = 11


def statistics_after(
    labels: list[int], said: torch.Tensor, confident: list[bool], steps: int = 1000
) -> PseudoLabelStatistics:
    statistics = PseudoLabelStatistics(N)
    said_labels = sure_of(*labels)
    for _ in range(steps):
        statistics.update(said_labels, said, torch.tensor(confident))
    return statistics


def sure_of(*counts: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(counts), N).float()


def test_nothing_is_corrected_before_anything_is_known():
    statistics = PseudoLabelStatistics(N)
    said = torch.rand(5, N)
    said /= said.sum(dim=1, keepdim=True)
    torch.testing.assert_close(statistics.align(said, 1.0), said)
    assert statistics.thresholds(0.8).tolist() == pytest.approx([0.8] * N)


def test_means_follow_what_was_seen():
    statistics = statistics_after([0, 0, 0, 2], sure_of(1, 1, 3, 3), [True, False, True, True])
    assert statistics.labels[[0, 2]].tolist() == pytest.approx([0.75, 0.25], abs=1e-3)
    assert statistics.teacher[[1, 3]].tolist() == pytest.approx([0.5, 0.5], abs=1e-3)
    assert statistics.confident[[1, 3]].tolist() == pytest.approx([0.25, 0.5], abs=1e-3)


def test_a_label_that_spans_counts_is_shared_among_them():
    statistics = PseudoLabelStatistics(N)
    label = objective_of(CountsTask()).target(torch.tensor([2]), torch.tensor([4]))
    for _ in range(1000):
        statistics.update(label, sure_of(0), torch.tensor([True]))
    assert statistics.labels[2:5].tolist() == pytest.approx([1 / 3] * 3, abs=1e-3)


def test_alignment_moves_towards_the_labels_and_not_towards_an_even_prior():
    """The labels say one three times of four; the teacher says two as often."""
    statistics = statistics_after([1, 1, 1, 2], sure_of(1, 2), [True, True])
    said = torch.full((1, N), 0.0)
    said[0, 1:3] = 0.5
    aligned = statistics.align(said, 1.0)[0]
    labels, teacher = statistics.labels * 0.9 + 0.1 / N, statistics.teacher * 0.9 + 0.1 / N
    ratio = labels / teacher
    assert aligned[1].item() == pytest.approx((ratio[1] / (ratio[1] + ratio[2])).item(), rel=1e-4)
    assert aligned[1] > 0.7
    assert aligned.sum().item() == pytest.approx(1.0)
    half = statistics.align(said, 0.5)[0]
    assert 0.5 < half[1] < aligned[1]


def test_a_count_of_which_less_is_learned_has_a_lower_threshold():
    even = list(range(N))
    statistics = statistics_after(even, sure_of(*even), [count != 7 for count in even])
    thresholds = statistics.thresholds(0.8)
    assert thresholds[0].item() == pytest.approx(0.8, rel=1e-3)
    assert thresholds[7].item() == pytest.approx(0.8 * LOWEST_THRESHOLD, rel=1e-3)


def test_a_count_that_is_rarely_labelled_is_not_taken_for_badly_learned():
    labels = [0] * 9 + [1]
    statistics = statistics_after(labels, sure_of(*labels), [True] * 10)
    thresholds = statistics.thresholds(0.8)
    assert thresholds[1] > 0.65  # by FlexMatch's own measure, 1 / 9 learned, it would be 0.4
