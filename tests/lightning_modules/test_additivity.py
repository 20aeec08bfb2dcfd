from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.additivity import (
    NO_MEMBER,
    convolve_counts,
    largest_of_counts,
    plan_sums,
    sum_clips,
    sum_labels,
)

MAX_COUNT = 10


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, MAX_COUNT), min_size=1, max_size=20),
    st.integers(2, 6),
    st.integers(0, 2**32),
)
def test_no_sum_takes_a_clip_twice_or_exceeds_the_largest_count(
    counts: list[int], max_summands: int, seed: int
):
    members = plan_sums(torch.tensor(counts), 16, max_summands, MAX_COUNT, generator(seed))
    for row in members.tolist():
        chosen = [place for place in row if place != NO_MEMBER]
        assert len(set(chosen)) == len(chosen) <= max_summands + 1
        assert sum(counts[place] for place in chosen) <= MAX_COUNT
        assert sum(counts[place] == 0 for place in chosen) <= 1


def test_sums_spread_over_all_counts():
    counts = torch.arange(32) % 11
    members = plan_sums(counts, 2000, 5, MAX_COUNT, generator())
    _, total = sum_labels(counts, counts, members, exact=True)
    shares = torch.bincount(total, minlength=11) / 2000
    assert shares.min() > 0.05
    assert shares.max() < 0.15


def test_clips_that_are_not_eligible_stay_out():
    eligible = torch.tensor([True, False, True, False])
    members = plan_sums(torch.tensor([1, 1, 0, 0]), 50, 3, MAX_COUNT, generator(), eligible)
    assert set(members.unique().tolist()) <= {NO_MEMBER, 0, 2}


def test_every_voice_of_a_sum_is_equally_loud():
    rng = np.random.default_rng(0)
    levels = torch.tensor([0.001, 0.3, 1.0])[:, None]
    waveform = torch.from_numpy(rng.standard_normal((3, 40_000)).astype(np.float32)) * levels
    voices = torch.tensor([1.0, 4.0, 0.0])
    members = torch.tensor([[0, 1, NO_MEMBER], [0, NO_MEMBER, 2], [NO_MEMBER] * 3])
    sums = sum_clips(waveform, voices, members, generator())
    power = sums.square().mean(dim=1)
    torch.testing.assert_close(power[0], torch.tensor(5.0), rtol=0.05, atol=0)
    assert 1.0 < power[1] < 1.1  # one voice and background at -15 dB at most
    assert power[2] == 0


def test_labels_add_exactly_or_are_bounded():
    lo, hi = torch.tensor([1, 2, 0]), torch.tensor([1, 4, 0])
    members = torch.tensor([[0, 1, NO_MEMBER], [2, NO_MEMBER, NO_MEMBER]])
    exact = sum_labels(lo, hi, members, exact=True)
    bounded = sum_labels(lo, hi, members, exact=False)
    assert [value.tolist() for value in exact] == [[3, 0], [5, 0]]
    assert [value.tolist() for value in bounded] == [[2, 0], [5, 0]]


def test_convolution_is_that_of_numpy_cut_off():
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(5), size=3)
    members = torch.tensor([[0, 1, 2], [2, NO_MEMBER, NO_MEMBER], [NO_MEMBER] * 3])
    result = convolve_counts(torch.from_numpy(probabilities), members).numpy()
    three = np.convolve(np.convolve(probabilities[0], probabilities[1]), probabilities[2])
    np.testing.assert_allclose(result[0], three[:5])
    np.testing.assert_allclose(result[1], probabilities[2])
    np.testing.assert_allclose(result[2], [1, 0, 0, 0, 0])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_the_largest_count_is_between_each_and_the_sum(seed: int):
    rng = np.random.default_rng(seed)
    probabilities = torch.from_numpy(rng.dirichlet(np.ones(6) * 0.5, size=4))
    members = torch.tensor([[0, 1, 3], [2, 3, NO_MEMBER]])
    upper = largest_of_counts(probabilities, members)
    lower = convolve_counts(probabilities, members).cumsum(dim=1)
    assert (lower <= upper + 1e-9).all()
    assert (upper[0] <= probabilities[0].cumsum(dim=0) + 1e-9).all()
