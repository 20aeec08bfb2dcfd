from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from search_spaces.ambiance import AmbianceLevels
from search_spaces.best import best_trial, write_best
from search_spaces.budget import Budget
from search_spaces.errors import UserError
from search_spaces.frontier import load_winner, read_frontier
from search_spaces.nni_records import read_trials
from search_spaces.search import search
from search_spaces.search_setup import SearchFiles, SearchSize
from tests.search_spaces.test_nni_records import home, write_experiment

__all__ = ["home"]


def test_the_winner_is_the_trial_of_the_largest_volume(home: Path):
    results = {
        "T0": {"default": 0.2, "frontier": "a"},
        "T1": None,
        "T2": {"default": 0.4, "frontier": "b"},
        "T3": {"default": 0.9},  # not one of this kit's trials
        "T4": {"default": 0.9, "frontier": 3},
        "T5": {"default": float("nan"), "frontier": "c"},
    }
    write_experiment(home, "abc", results)
    assert best_trial("abc", read_trials("abc")).name == "T2"


def test_no_finished_trial_is_refused_with_how_they_stand(home: Path, tmp_path: Path):
    write_experiment(home, "abc", {"T0": None, "T1": None})
    with pytest.raises(
        UserError, match=r"abc has no finished trial \(2 FAILED\).*nnictl resume abc"
    ):
        write_best("abc", tmp_path / "best")


def test_a_winner_whose_files_lie_elsewhere_is_refused(home: Path, tmp_path: Path):
    write_experiment(home, "abc", {"T0": {"default": 0.2, "frontier": "/nowhere/frontier.json"}})
    with pytest.raises(UserError, match=r"/nowhere/frontier\.json: no such file, though trial T0"):
        write_best("abc", tmp_path / "best")


def test_the_winners_files_are_copied_whole(home: Path, tmp_path: Path, search_inputs: Path):
    files = SearchFiles(
        search_inputs / "supernet.pt",
        search_inputs / "clips.npz",
        None,
        tmp_path / "run" / "search",
    )
    levels = AmbianceLevels((1, 3), ("none", "few", "many"))
    search(files, Budget(), levels, SearchSize(2, 1, 1, 2, 2), seed=0)
    found_frontier = files.out / "frontier.json"
    result = {"default": 0.2, "level_error": 0.1, "frontier": str(found_frontier)}
    write_experiment(home, "abc", {"T0": result})
    out = tmp_path / "best"
    trial, _ = write_best("abc", out)
    assert trial.name == "T0"
    write_best("abc", out)  # it is its own
    with pytest.raises(UserError, match=r"--out: .*run holds other things \(search\); name anoth"):
        write_best("abc", tmp_path / "run")
    frontier = read_frontier(out / "frontier.json")
    for winner in frontier.winners:
        load_winner(out / "frontier.json", winner)
    record = json.loads((out / "trial.json").read_text())
    assert record["parameters"] == {"x": 0}
    assert record["hypervolume"] == 0.2
    assert record["run"] == str(found_frontier.parent.parent)
    # A net trained alone has its frontier in the run folder itself, and an accuracy.
    alone = Path(shutil.copytree(files.out, tmp_path / "alone"))
    result = {"default": 0.9, "error": 0.1, "frontier": str(alone / "frontier.json")}
    write_experiment(home, "def", {"T0": result})
    write_best("def", tmp_path / "best-alone")
    record = json.loads((tmp_path / "best-alone" / "trial.json").read_text())
    assert (record["accuracy"], record["run"]) == (0.9, str(alone))
    assert "hypervolume" not in record
