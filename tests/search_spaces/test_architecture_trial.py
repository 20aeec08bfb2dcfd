"""A trial that judges one net, and the frontier of an experiment of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from search_spaces import nni_experiment
from search_spaces.architecture import Architecture, largest, smallest
from search_spaces.architecture_trial import run_trial
from search_spaces.best import write_best
from search_spaces.best_architectures import write_frontier_of
from search_spaces.cost import costs
from search_spaces.errors import UserError
from search_spaces.frontier import load_winner, read_frontier
from search_spaces.nni_records import Trial
from search_spaces.search_options import parse_trial
from search_spaces.spaces import get_space
from tests.search_spaces.test_nni_records import home, write_experiment

__all__ = ["home"]
NANO = get_space("sam-nano")
MAX_PARAMS = 12_000


def options(inputs: Path) -> list[str]:
    small = ["--ranking-clips", "4", "--calibration-clips", "2", "--winners", "2"]
    return ["--checkpoint", str(inputs / "supernet.pt"), "--max-params", str(MAX_PARAMS), *small]


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch, search_inputs: Path):
    """Run a trial as NNI does; gives what it reported."""

    def run(net: Architecture, argv: list[str] | None = None) -> dict[str, Any]:
        told: list[dict[str, Any]] = []
        opened = {name: net.choices[name] for name in NANO.open_dimensions}
        monkeypatch.setattr(nni_experiment, "next_parameters", lambda: opened)
        monkeypatch.setattr(nni_experiment, "experiment_id", lambda: "abc")
        monkeypatch.setattr(nni_experiment, "report_final", told.append)
        argv = options(search_inputs) if argv is None else argv
        assert run_trial(parse_trial(argv), argv) == 0
        return told[0]

    return run


def test_a_net_within_the_budget_is_told_by_its_ranking_error(judge, capsys):
    result = judge(smallest(NANO))
    assert result["default"] == -result["ranking_error"] < 0
    assert result["params"] == costs(smallest(NANO)).params <= MAX_PARAMS
    assert Architecture.from_json(result["architecture"]) == smallest(NANO)
    assert json.loads(capsys.readouterr().out) == result


def test_a_net_beyond_the_budget_is_worse_than_any_other_and_not_judged(judge):
    result = judge(largest(NANO))
    assert result["ranking_error"] is None
    over = costs(largest(NANO)).params / MAX_PARAMS
    assert result["default"] == pytest.approx(-11 - over)


def test_by_hand_it_says_where_nets_come_from(search_inputs: Path):
    argv = options(search_inputs)
    with pytest.raises(UserError, match=r"no experiment gives it a net; start one, `nnictl create"):
        run_trial(parse_trial(argv), argv)


def test_a_net_of_another_space_is_refused(judge, monkeypatch, search_inputs: Path):
    argv = options(search_inputs)
    monkeypatch.setattr(nni_experiment, "experiment_id", lambda: "abc")
    monkeypatch.setattr(nni_experiment, "next_parameters", lambda: {"learning_rate": 0.1})
    with pytest.raises(UserError, match=r"dimension .* of sam-nano is missing"):
        run_trial(parse_trial(argv), argv)


def test_the_frontier_of_an_experiment_holds_its_best_net(judge, home: Path, tmp_path: Path):
    results = {"T0": judge(smallest(NANO)), "T1": judge(largest(NANO)), "T2": None}
    results["T3"] = results["T0"]  # NNI's tuners may ask for a net twice
    write_experiment(home, "abc", results)
    out = tmp_path / "best"
    trial, frontier = write_best("abc", out)
    assert trial.name == "T0"
    assert [winner.architecture for winner in frontier.winners] == [smallest(NANO)]
    assert frontier.best.ranking_error == results["T0"]["ranking_error"]
    load_winner(out / "frontier.json", frontier.best)
    search = read_frontier(out / "frontier.json").raw["search"]
    assert (search["algorithm"], search["population"], search["evaluations"]) == (
        "experiment",
        3,
        1,
    )
    assert search["seconds"] == pytest.approx(0.008)
    assert (out / "frontier.png").is_file()
    assert json.loads((out / "trial.json").read_text())["trial"] == "T0"


def test_an_experiment_of_nets_beyond_the_budget_has_no_winner(judge, home: Path, tmp_path: Path):
    write_experiment(home, "abc", {"T0": judge(largest(NANO))})
    with pytest.raises(UserError, match="none of the 1 nets that abc looked at is within the budg"):
        write_best("abc", tmp_path / "best")


def test_trials_of_other_clips_are_not_mixed(judge, search_inputs: Path, tmp_path: Path):
    argv = [*options(search_inputs), "--ranking-clips", "3"]
    trials = [
        Trial(f"T{number}", number, "SUCCEEDED", {}, judge(smallest(NANO), given), (0, 1))
        for number, given in enumerate([argv, None])
    ]
    with pytest.raises(UserError, match=r"supernet\.pt: it, its clips or the trials' options"):
        write_frontier_of("abc", trials, tmp_path)


def test_a_supernet_that_lies_elsewhere_is_named(judge, home: Path, tmp_path: Path):
    result = judge(smallest(NANO))
    result["arguments"][1] = "/nowhere/supernet.pt"
    write_experiment(home, "abc", {"T0": result})
    with pytest.raises(UserError, match=r"/nowhere/supernet\.pt: no such file"):
        write_best("abc", tmp_path / "best")
