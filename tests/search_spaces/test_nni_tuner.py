"""NNI's NAS strategies asked net by net, as NNI's dispatcher asks a tuner."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest
from nni import NoMoreTrialError

from search_spaces.architecture import Architecture
from search_spaces.budget import Prices
from search_spaces.errors import UserError
from search_spaces.nni_adapter import STRATEGIES
from search_spaces.nni_space import search_space_of
from search_spaces.nni_strategies import NNI_STRATEGIES
from search_spaces.nni_tuner import StrategyTuner
from search_spaces.spaces import get_space

NANO = get_space("sam-nano")
PRICES = Prices(NANO, None, "int8")
FIXED = {name: values[0] for name, values in NANO.dimensions.items() if len(values) == 1}


def figure(parameters: dict[str, Any]) -> float:
    """The fewer MACs the better."""
    net = Architecture(NANO.name, NANO.version, {**FIXED, **parameters}).validate(NANO)
    return -PRICES.of(tuple(net.indices(NANO)))["macs"] / 1e8


def tuner(strategy: str = "evolution", nets: int = 30, seed: int = 0) -> StrategyTuner:
    made = StrategyTuner("sam-nano", strategy, nets, seed)
    made.update_search_space(search_space_of(NANO))
    return made


def look_at(asked: StrategyTuner, nets: int, first: int = 0) -> list[dict[str, Any]]:
    seen = []
    for number in range(first, first + nets):
        seen.append(asked.generate_parameters(number))
        asked.receive_trial_result(number, seen[-1], {"default": figure(seen[-1])})
        asked.trial_end(number, success=True)
    return seen


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch):
    """NNI's strategies sleep a second between two nets."""
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.002)))


@pytest.mark.parametrize("strategy", ["evolution", "random", "tpe"])
def test_each_strategy_asks_for_nets_of_the_space(strategy: str):
    seen = look_at(tuner(strategy), 8)
    assert all(set(net) == set(NANO.open_dimensions) for net in seen)
    assert len({tuple(net.values()) for net in seen}) > 1


def test_evolution_moves_towards_the_better_nets():
    figures = [figure(net) for net in look_at(tuner(nets=50), 50)]
    assert sum(figures[-10:]) > 0.97 * sum(figures[:10])


def test_several_trials_run_at_once_and_one_that_fails_is_passed_over():
    asked = tuner(nets=25)
    for first in range(0, 24, 3):
        nets = asked.generate_multiple_parameters([first, first + 1, first + 2])
        assert len(nets) == 3
        asked.trial_end(first, success=False)
        for number, net in enumerate(nets[1:], start=first + 1):
            asked.receive_trial_result(number, net, figure(net))


def test_a_resumed_experiment_looks_at_no_net_twice_and_goes_on_as_before():
    whole = look_at(tuner(), 20)
    asked = tuner()
    asked.import_data({"parameter": net, "value": {"default": figure(net)}} for net in whole[:12])
    assert look_at(asked, 8, first=12) == whole[12:]


def test_a_dimension_with_one_choice_left_is_told_to_the_trial_all_the_same():
    space = search_space_of(NANO)
    space["pool"]["_value"] = ["mean_max"]
    asked = StrategyTuner("sam-nano", "random", 4)
    asked.update_search_space(space)
    seen = look_at(asked, 4)
    assert {net["pool"] for net in seen} == {"mean_max"}
    resumed = StrategyTuner("sam-nano", "random", 4)
    resumed.update_search_space(space)
    resumed.import_data([{"parameter": seen[0], "value": -1.0}])
    assert look_at(resumed, 1) == seen[1:2]


def test_a_space_that_has_been_looked_at_ends_the_experiment():
    space = {name: {**e, "_value": e["_value"][:1]} for name, e in search_space_of(NANO).items()}
    space["pool"]["_value"] = ["mean", "mean_max"]
    asked = StrategyTuner("sam-nano", "random", 10)
    asked.update_search_space(space)
    look_at(asked, 2)
    with pytest.raises(NoMoreTrialError):
        asked.generate_parameters(2)
    assert asked.generate_multiple_parameters([3]) == []


def test_what_a_strategy_raises_reaches_nni():
    asked = tuner(nets=5)
    asked.generate_multiple_parameters([0, 1, 2, 3, 4])  # its whole first population
    with pytest.raises(ValueError, match="empty"):
        asked.generate_parameters(5)  # nobody has a figure to choose a parent by


def test_nnis_manager_waits_for_no_torch():
    code = "import sys; from search_spaces.nni_tuner import StrategyTuner;"
    code += " StrategyTuner('sam', 'evolution', 5); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_names_of_strategies_are_those_that_are_made():
    assert set(NNI_STRATEGIES) == set(STRATEGIES)


def test_an_unknown_strategy_or_space_is_refused():
    with pytest.raises(UserError, match="strategy: got 'darts', expected one of evolution, random"):
        StrategyTuner("sam-nano", "darts", 5)
    with pytest.raises(UserError, match="space 'sam-huge' is unknown"):
        StrategyTuner("sam-huge", "random", 5)
