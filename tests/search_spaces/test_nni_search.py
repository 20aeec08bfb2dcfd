"""NNI's own strategies search the same space over the same judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.ambiance import AmbianceLevels
from search_spaces.architecture import smallest
from search_spaces.budget import Budget, Prices
from search_spaces.frontier import read_frontier
from search_spaces.nni_search import explore_by_nni
from search_spaces.search import search
from search_spaces.search_setup import SearchFiles, SearchSize
from search_spaces.space import get_space

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


def test_a_search_says_which_strategy_found_its_frontier(search_inputs: Path, tmp_path: Path):
    files = SearchFiles(search_inputs / "supernet.pt", search_inputs / "clips.npz", None, tmp_path)
    size = SearchSize(2, 2, 1, 2, 2, strategy="evolution")
    search(files, Budget(max_params=12_000), AmbianceLevels(), size, seed=0)
    frontier = read_frontier(tmp_path / "frontier.json")
    assert frontier.raw["search"]["algorithm"] == "evolution"
    assert all(winner.params <= 12_000 for winner in frontier.winners)
