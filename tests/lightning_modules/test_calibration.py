from __future__ import annotations

import numpy as np
import torch
from torch import nn

from lightning_modules.calibration import run, spread_evenly
from search_spaces.task_counts import CountsTask


def test_a_choice_is_spread_as_the_whole():
    expected = np.random.default_rng(0).uniform(0, 10, 400)
    chosen = spread_evenly(expected, 40, seed=1)
    assert len(set(chosen.tolist())) == 40
    assert abs(expected[chosen].mean() - expected.mean()) < 0.05
    for batch in expected[chosen].reshape(2, 20):
        assert abs(batch.mean() - expected.mean()) < 2


def test_all_clips_may_be_chosen_and_the_order_follows_the_seed():
    expected = np.arange(5.0)
    assert sorted(spread_evenly(expected, 5, seed=1)) == [0, 1, 2, 3, 4]
    assert (spread_evenly(expected, 5, 1) == spread_evenly(expected, 5, 1)).all()


def test_clips_are_ordered_by_their_expected_count():
    class Fixed(nn.Module):
        def forward(self, waveform: torch.Tensor) -> torch.Tensor:
            return torch.tensor([0.2, 0.5, 0.3]).log().expand(len(waveform), 3)

    task = CountsTask()
    said = run(Fixed(), np.zeros((70, 8), np.int16), task, torch.device("cpu"))
    counts = task.order(said)
    np.testing.assert_allclose(counts, np.full(70, 1.1), rtol=1e-6)
