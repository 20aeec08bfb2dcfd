"""NSGA-II finds what there is to find, stays within the limits, and repeats itself by its seed."""

import numpy as np
import pytest

from search_spaces.architecture import smallest
from search_spaces.budget import Prices, fits
from search_spaces.evolution import evolve
from search_spaces.spaces import get_space

SPACE = get_space("sam-lite")
PRICES = Prices(SPACE, None, "int8")
WITNESS = tuple(smallest(SPACE).indices(SPACE))
IDEAL = np.array([len(choices) - 1 for choices in SPACE.dimensions.values()])


def errors_of(nets):
    """An error that falls, dimension by dimension, to 0 at the largest net."""
    return [float(np.mean((IDEAL - np.array(net)) / np.maximum(IDEAL, 1))) for net in nets]


def search(limits=None, seed=0, population=20, generations=15, judge=errors_of):
    return evolve(
        PRICES,
        limits or {},
        WITNESS,
        judge,
        ["macs", "params"],
        population=population,
        generations=generations,
        seed=seed,
    )


def test_the_same_seed_judges_the_same_nets_in_the_same_order():
    assert list(search(seed=3).items()) == list(search(seed=3).items())
    assert list(search(seed=3)) != list(search(seed=4))


def test_every_net_judged_is_within_the_limits_and_of_the_space():
    limits = {"macs": 1.5 * PRICES.of(WITNESS)["macs"], "params": 2 * PRICES.of(WITNESS)["params"]}
    judged = search(limits)
    assert len(judged) > 100
    for net in judged:
        assert fits(PRICES.of(net), limits)
        assert all(0 <= index <= top for index, top in zip(net, IDEAL, strict=True))


def test_no_net_is_judged_twice():
    asked = []

    def judge(nets):
        asked.extend(nets)
        return errors_of(nets)

    search(judge=judge)
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("limit", [None, 40_000.0])
def test_it_beats_drawing_as_many_nets_at_random(limit):
    limits = {} if limit is None else {"params": limit}
    judged = search(limits, generations=25)
    rng = np.random.default_rng(0)
    drawn = [tuple(int(rng.integers(top + 1)) for top in IDEAL) for _ in range(len(judged))]
    fitting = [net for net in drawn if fits(PRICES.of(net), limits)]
    assert min(judged.values()) < min(errors_of(fitting))


def test_a_tiny_space_ends_early():
    space = SPACE.restricted({name: c[0] for name, c in SPACE.dimensions.items() if name != "pool"})
    judged = evolve(
        Prices(space, None, "int8"), {}, WITNESS, lambda nets: [0.5] * len(nets), ["params"],
        population=8, generations=5, seed=0,
    )  # fmt: skip
    assert 1 <= len(judged) <= len(SPACE.dimensions["pool"])
