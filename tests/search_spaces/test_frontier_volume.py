from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.architecture import largest
from search_spaces.budget import Prices
from search_spaces.clip import NUM_COUNTS
from search_spaces.cost import costs
from search_spaces.frontier_volume import (
    dominated_volume,
    frontier_volume,
    volume_limits,
)
from search_spaces.ranking import ranked_probability_score
from search_spaces.spaces import get_space
from search_spaces.task_counts import CountsTask

CORNER = {"macs": 100.0}
unit = st.floats(0, 1)


def test_the_volume_of_two_nets_is_the_union_of_their_boxes():
    # boxes 0.8 x 0.5 and 0.5 x 0.9, which share 0.5 x 0.5
    volume = dominated_volume([0.2, 0.5], [{"macs": 50}, {"macs": 10}], CORNER)
    assert volume == pytest.approx(0.8 * 0.5 + 0.5 * 0.9 - 0.5 * 0.5)


def test_nets_beyond_the_budget_count_for_nothing():
    assert dominated_volume([0.0, 1.0], [{"macs": 101}, {"macs": 1}], CORNER) == 0.0
    assert dominated_volume([], [], CORNER) == 0.0


@given(st.lists(st.tuples(unit, unit), max_size=5), unit, unit)
def test_another_net_never_makes_a_frontier_worse(nets, error, cost):
    def volume(points):
        return dominated_volume(
            [e for e, _ in points], [{"macs": c} for _, c in points], {"macs": 1}
        )

    assert 0 <= volume(nets) <= volume([*nets, (error, cost)]) + 1e-12 <= 1 + 1e-12


def test_the_box_ends_at_the_budget_or_at_the_largest_net():
    spec = get_space("sam-nano")
    corner = volume_limits(Prices(spec, None, "int8"), ["macs", "params"], {"params": 9000})
    assert corner == {"macs": costs(largest(spec)).macs, "params": 9000}


def test_a_frontiers_points_are_read_at_its_precision():
    point = {
        "ranking_error": CountsTask().blind_error / 2,
        "params": 10,
        "predicted_latency_ms": {"int8": 1.0, "fp32": 9.0},
    }
    frontier = {"budget": {"precision": "int8"}, "points": [point]}
    assert frontier_volume(frontier, {"latency_ms": 2.0, "params": 20}) == pytest.approx(0.125)


def test_the_error_of_a_blind_net():
    everywhere = np.full((NUM_COUNTS, NUM_COUNTS), 1 / NUM_COUNTS)
    counts = np.arange(NUM_COUNTS)
    assert ranked_probability_score(everywhere, counts, counts) == pytest.approx(
        CountsTask().blind_error
    )
