"""NNI's own strategies search the same space over the same judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.ambiance import AmbianceLevels
from search_spaces.architecture import smallest
from search_spaces.budget import Budget, Prices
from search_spaces.frontier import read_frontier
from search_spaces.nni_search import explore_by_nni, figure_beyond, figure_within
from search_spaces.search import search
from search_spaces.search_setup import SearchFiles, SearchSize
from search_spaces.spaces import get_space

NANO = get_space("sam-nano")


@pytest.mark.parametrize("strategy", ["evolution", "random", "tpe"])
def test_a_strategy_of_nni_finds_nets_within_the_budget(strategy: str):
    prices = Prices(NANO, None, "int8")
    limits = {"params": 9000.0}
    asked = []

    def judge(nets):
        asked.extend(nets)
        return [prices.of(net)["params"] / 1e5 for net in nets]

    start = tuple(smallest(NANO).indices(NANO))
    judged = explore_by_nni(strategy, prices, limits, start, judge, nets=4, seed=1)
    assert start in judged
    assert len(asked) == len(judged) <= 5
    assert all(prices.of(net)["params"] <= 9000 for net in asked)


def test_evolution_moves_towards_the_better_nets():
    prices = Prices(NANO, None, "int8")

    def judge(nets):
        return [prices.of(net)["macs"] / 1e8 for net in nets]

    start = tuple(smallest(NANO).indices(NANO))
    judged = list(explore_by_nni("evolution", prices, {}, start, judge, nets=60, seed=0).values())
    assert sum(judged[-15:]) < 0.97 * sum(judged[1:16])


@pytest.mark.parametrize(
    ("worst_error", "outputs"),
    [(10.0, 11), (2.0, 2), (200.0, 200), (35.0, 16)],  # people, one class, several, a teacher
)
def test_no_net_within_the_budget_is_told_as_worse_than_one_beyond(
    worst_error: float, outputs: int
):
    beyond = figure_beyond({"params": 101.0}, {"params": 100.0}, outputs)
    assert figure_within(worst_error, outputs) > beyond
    for error in (0.3, 0.9 * outputs):  # which of two nets is better is still told
        assert figure_within(error, outputs) == -error
    assert figure_beyond({"params": 150.0}, {"params": 100.0}, outputs) < beyond


def test_a_search_says_which_strategy_found_its_frontier(search_inputs: Path, tmp_path: Path):
    files = SearchFiles(search_inputs / "supernet.pt", search_inputs / "clips.npz", None, tmp_path)
    size = SearchSize(2, 2, 1, 2, 2, strategy="evolution")
    search(files, Budget(max_params=12_000), AmbianceLevels(), size, seed=0)
    frontier = read_frontier(tmp_path / "frontier.json")
    assert frontier.raw["search"]["algorithm"] == "evolution"
    assert all(winner.params <= 12_000 for winner in frontier.winners)
