from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from search_spaces.errors import UserError
from search_spaces.nni_space import search_space_of as nni_space
from search_spaces.nnictl import MANAGER_SCRIPT
from search_spaces.nnictl_check import check_experiment, search_space_of, trial_arguments
from search_spaces.spaces import get_space

EXPERIMENTS = MANAGER_SCRIPT.parent


def checked(folder: Path, changes: dict[str, Any], name: str = "sam") -> None:
    """Check a shipped experiment with other fields; None leaves one out."""
    config = yaml.safe_load((EXPERIMENTS / f"{name}.yml").read_text())
    shutil.copy(EXPERIMENTS / config["searchSpaceFile"], folder)
    config = {k: v for k, v in (config | changes).items() if v is not None}
    if "searchSpace" in config:
        del config["searchSpaceFile"]
    (folder / "c.yml").write_text(yaml.safe_dump(config))
    space, _ = search_space_of(config, folder / "c.yml")
    check_experiment(config, folder / "c.yml", space)


def test_an_experiment_without_fault_passes(tmp_path: Path):
    checked(tmp_path, {"trialCodeDirectory": "."})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maxTrialNumber": 0}, "c.yml: maxTrialNumber: got 0, expected a whole number, 1 or more"),
        ({"trial_concurrency": 0}, "c.yml: trialConcurrency: got 0, expected a whole number"),
        ({"trialConcurrency": True}, "c.yml: trialConcurrency: got True, expected a whole number"),
        ({"maxExperimentDuration": "soon"}, "maxExperimentDuration: got 'soon', expected a time"),
        ({"maxExperimentDuration": "0h"}, "maxExperimentDuration: got '0h', expected a time"),
        ({"tuner": {"name": "Huge"}}, "c.yml: tuner.name: NNI has no tuner 'Huge', e.g. TPE"),
        (
            {"tuner": {"className": "no.Where", "codeDirectory": "."}},
            "c.yml: tuner.className: 'no.Where' cannot be found from .*No module named 'no'",
        ),
        (
            {"tuner": {"className": "search_spaces.nni_tuner.No", "codeDirectory": "."}},
            "c.yml: tuner.className: .* has no attribute 'No'.*; mend it or codeDirectory",
        ),
        ({"tuner": "TPE"}, "c.yml: tuner: got 'TPE', expected fields, e.g. name: TPE"),
        ({"tuner": {}}, "c.yml: tuner: expected either a name, e.g. TPE, or a className"),
        (
            {"assessor": ["x"]},
            r"c.yml: assessor: got \['x'\], expected fields, e.g. name: Medianst",
        ),
        (
            {"trainingService": None},
            "c.yml: trainingService: got None, expected its fields, e.g. p",
        ),
        ({"trainingService": [{}]}, r"c.yml: trainingService: got \[{}\], expected its fields"),
        ({"trainingService": {"platform": "moon"}}, "trainingService.platform: got 'moon', expect"),
        ({"trialCommand": " "}, "c.yml: trialCommand: is empty; name what runs a trial"),
        ({"trialComand": "x"}, r"c.yml: ExperimentConfig does not have field\(s\) trialcomand"),
    ],
)
def test_a_fault_is_one_line_that_names_file_and_field(
    tmp_path: Path, changes: dict[str, Any], message: str
):
    same = {key: None for key in ("trialConcurrency",) if "trial_concurrency" in changes}
    with pytest.raises(UserError, match=message):
        checked(tmp_path, {"trialCodeDirectory": "."} | same | changes)


@pytest.mark.parametrize(
    ("kind", "name", "arguments", "message"),
    [
        (
            "tuner",
            "TPE",
            {"optimize_mode": "maximise"},
            "optimize_mode: got 'maximise', expected ma",
        ),
        ("tuner", "TPE", {"foo": 1}, "TPE cannot start: .* unexpected keyword argument 'foo'"),
        ("tuner", "TPE", {"tpe_args": {"foo": 1}}, "TPE cannot start: .* keyword argument 'foo'"),
        ("tuner", "TPE", "maximize", "got 'maximize', expected fields, e.g. optimize_mode: maximi"),
        (
            "tuner",
            "Evolution",
            {"population_size": "x"},
            "population_size: got 'x', expected a num",
        ),
        ("tuner", "GP", {}, "GP cannot start: GP Tuner supports only numerical values"),
        ("tuner", "Medianstop", {}, "Medianstop cannot start: Builtin name is not found"),
        ("tuner", "TPE", {}, "optimize_mode: got 'minimize', the default of TPE, but more is b"),
        ("tuner", "TPE", None, "optimize_mode: got 'minimize', the default of TPE"),
        (
            "tuner",
            "Evolution",
            {"optimize_mode": "minimize"},
            "optimize_mode: got 'minimize', but more is better .*; give maximize",
        ),
        (
            "assessor",
            "Medianstop",
            {"optimize_mode": "minimize"},
            "optimize_mode: got 'minimize', but more is better",
        ),
        ("assessor", "Medianstop", {"start_stepp": 1}, "Medianstop cannot start: .*'start_stepp'"),
        ("assessor", "Medianstop", {"start_step": "x"}, "start_step: got 'x', expected a number"),
        (
            "assessor",
            "Medianstop",
            {"optimize_mode": "max"},
            "optimize_mode: got 'max', expected m",
        ),
    ],
)
def test_arguments_with_which_an_algorithm_would_die_are_refused(
    tmp_path: Path, kind: str, name: str, arguments: Any, message: str
):
    algorithm = {"name": name, "classArgs": arguments}
    with pytest.raises(UserError, match=rf"c\.yml: {kind}\.classArgs: {message}"):
        checked(tmp_path, {"trialCodeDirectory": ".", kind: algorithm})


def test_a_tuner_whose_library_is_not_installed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "hyperopt", None)
    algorithm = {"name": "Anneal", "classArgs": {"optimize_mode": "maximize"}}
    message = "Anneal cannot start: .*hyperopt.*; install what it needs, or take another tuner"
    with pytest.raises(UserError, match=rf"c\.yml: tuner\.classArgs: {message}"):
        checked(tmp_path, {"trialCodeDirectory": ".", "tuner": algorithm})


def test_another_trials_figures_may_be_minimised(tmp_path: Path):
    changes = {"trialCommand": "python mine.py", "tuner": {"name": "TPE"}}
    checked(tmp_path, {"trialCodeDirectory": "."} | changes)


@pytest.mark.parametrize(
    ("kind", "name", "arguments"),
    [
        ("tuner", "Random", None),
        ("tuner", "GridSearch", {"optimize_mode": "maximize"}),
        ("tuner", "evolution", {"population_size": 8}),
        ("tuner", "Hyperband", {"R": 9}),  # it talks to the manager from the start: not tried
        ("assessor", "Curvefitting", {"epoch_num": 10, "threshold": 1}),
    ],
)
def test_algorithms_of_nni_pass(tmp_path: Path, kind: str, name: str, arguments: Any):
    checked(tmp_path, {"trialCodeDirectory": ".", kind: {"name": name, "class_args": arguments}})


def test_a_supernet_that_every_trial_would_miss_is_looked_for(
    tmp_path: Path, search_inputs: Path, monkeypatch: pytest.MonkeyPatch
):
    changes = {"trialCodeDirectory": "."}
    with pytest.raises(UserError, match=r"c.yml: trialCommand: .*demo/train/supernet.pt: no such"):
        checked(tmp_path, changes, "sam_architecture")
    monkeypatch.setenv("ERSAM_SUPERNET", str(search_inputs / "supernet.pt"))
    changes |= {"searchSpace": nni_space(get_space("sam-nano"))}
    checked(tmp_path, changes, "sam_architecture")


@pytest.mark.parametrize("tuner", [None, {"name": "Random"}])
def test_a_search_space_that_is_not_of_the_supernet_is_refused(
    tmp_path: Path, search_inputs: Path, monkeypatch: pytest.MonkeyPatch, tuner: Any
):
    """Every trial would fail by it, one after the other."""
    monkeypatch.setenv("ERSAM_SUPERNET", str(search_inputs / "supernet.pt"))
    changes = {"trialCodeDirectory": "."} | ({} if tuner is None else {"tuner": tuner})
    with pytest.raises(UserError, match=r"architecture_space\.yml: .* of sam-nano is missing; w"):
        checked(tmp_path, changes, "sam_architecture")  # of sam-lite
    space = nni_space(get_space("sam-nano"))
    changes["searchSpace"] = space | {"stem_colour": {"_type": "choice", "_value": [1]}}
    with pytest.raises(UserError, match=r"c\.yml: space sam-nano has no dimension 'stem_colour'"):
        checked(tmp_path, changes, "sam_architecture")
    changes["searchSpace"] = space | {"stem_width": {"_type": "choice", "_value": [9]}}
    with pytest.raises(UserError, match=r"c\.yml: stem_width = 9 is not in space sam-nano; allo"):
        checked(tmp_path, changes, "sam_architecture")


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("python -m search_spaces trial --checkpoint ${A:-b.pt}", ["--checkpoint", "b.pt"]),
        ('python -m search_spaces trial --checkpoint "$B/c"', ["--checkpoint", "/b d/c"]),
        ("cd x && python -m search_spaces trial --checkpoint a", None),
        ("python -m search_spaces trial --checkpoint $(cat a)", None),
        ("python -m lightning_modules trial --config a", None),
        ("python -m search_spaces trial 'a", None),
    ],
)
def test_a_trials_flags_are_read_out_of_its_command(command: str, found: list[str] | None):
    assert trial_arguments(command, {"B": "/b d"}) == found
