from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest
import yaml

from search_spaces import nnictl
from search_spaces.errors import UserError
from search_spaces.nni_experiment import run_nnictl
from search_spaces.nnictl import (
    MANAGER_SCRIPT,
    check_port,
    main,
    manager_address,
    prepare_environment,
    read_config,
)
from tests.ports import free_port, listen
from tests.search_spaces.test_nni_records import home

__all__ = ["home"]

EXPERIMENTS = MANAGER_SCRIPT.parent
CONFIGS = sorted(path for path in EXPERIMENTS.glob("*.yml") if not path.stem.endswith("_space"))


def test_shipped_experiments_have_sound_search_spaces():
    trials = dict.fromkeys(("folder", "remote", "sam"), "lightning_modules trial")
    trials["sam_architecture"] = "search_spaces trial"
    trials["deepspectrum"] = "lightning_modules net-trial"
    assert {path.stem for path in CONFIGS} == set(trials)
    for path in CONFIGS:
        config, _ = read_config(path)
        assert (path.parent / config["trialCodeDirectory"]).resolve().is_dir()
        assert f"python -m {trials[path.stem]}" in config["trialCommand"]


def test_the_strategy_is_told_how_many_trials_there_are():
    config, _ = read_config(EXPERIMENTS / "sam_architecture.yml")
    assert config["tuner"]["classArgs"]["nets"] == config["maxTrialNumber"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space": "sam"}, "space.yml: search space: dimension 'frontend_rate_hz' of sam is miss"),
        ({"space": "nowhere"}, r"c.yml: tuner.classArgs: space 'nowhere' is unknown"),
        ({"strategy": "darts"}, r"c.yml: tuner.classArgs: strategy: got 'darts', expected one of"),
        ({"population": 3}, r"c.yml: tuner.classArgs: .* unexpected keyword argument 'population'"),
        ({"nets": 10}, r"c.yml: trialConcurrency: got 5, expected fewer than .* 5 of 10 nets"),
    ],
)
def test_a_strategy_that_cannot_run_is_refused(tmp_path: Path, changes: dict, message: str):
    config = yaml.safe_load((EXPERIMENTS / "sam_architecture.yml").read_text())
    config["tuner"]["classArgs"] |= changes
    config["trialConcurrency"] = 5
    shutil.copy(EXPERIMENTS / config["searchSpaceFile"], tmp_path)
    (tmp_path / "c.yml").write_text(yaml.safe_dump(config))
    with pytest.raises(UserError, match=message):
        read_config(tmp_path / "c.yml")


@pytest.mark.parametrize(
    ("config", "space", "message"),
    [
        ("- 1", "", "got a list, expected an experiment's fields"),
        ("a: [", "", "c.yml: not valid YAML"),
        ("trialCommand: x", "", "names no searchSpaceFile and holds no searchSpace"),
        ("searchSpaceFile: none.yml", "", "none.yml: no such file"),
        ("searchSpaceFile: s.yml", "x: [", "s.yml: not valid YAML"),
        ("searchSpaceFile: s.yml", "x: 3", 's.yml: search space "x" is a int, expect a dict'),
        (
            "searchSpaceFile: s.yml",
            "x: {_type: loguniform, _value: [0, 1]}",
            r's.yml: search space "x" \(loguniform\) must have low > 0',
        ),
        ("searchSpace: {x: {_type: odd, _value: [1]}}", "", 'c.yml: .*unsupported type "odd"'),
        ("search_space: {x: {_type: odd, _value: [1]}}", "", 'c.yml: .*unsupported type "odd"'),
        ("searchSpace: {}", "", "c.yml: search space is empty, expected at least one parameter"),
        ("searchSpace: {x: {_type: choice, _value: []}}", "", 'c.yml: .*"x": _value is empty, exp'),
        (
            "searchSpace: {x: {_type: uniform, _value: [.nan, 1]}}",
            "",
            r'c.yml: search space "x": got \[nan, 1\], expected finite numbers',
        ),
        (
            "searchSpace: {x: {_type: uniform, _value: [0, .inf]}}",
            "",
            r'c.yml: search space "x": got \[0, inf\], expected finite numbers',
        ),
    ],
)
def test_a_broken_search_space_is_refused(tmp_path: Path, config: str, space: str, message: str):
    (tmp_path / "c.yml").write_text(config)
    (tmp_path / "s.yml").write_text(space)
    with pytest.raises(UserError, match=message):
        read_config(tmp_path / "c.yml")


def test_a_port_in_use_is_refused_before_anything_starts():
    with listen() as server:
        port = server.getsockname()[1]
        with pytest.raises(UserError, match=f"--port: {port} is in use, perhaps by another exper"):
            main(["create", "--config", str(EXPERIMENTS / "sam.yml"), "--port", str(port)])
    check_port(port)


def test_a_host_without_ipv6_is_not_asked_there(monkeypatch: pytest.MonkeyPatch):
    kinds, port = [], free_port()

    class Probe(socket.socket):
        def __init__(self, family: int) -> None:
            kinds.append(family)
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family)

    monkeypatch.setattr(nnictl.socket, "socket", Probe)
    check_port(port)
    assert kinds == [socket.AF_INET, socket.AF_INET6]


def test_a_port_that_there_is_not_is_refused():
    with pytest.raises(UserError, match=r"^--port: got 99999, expected 1 to 65535"):
        check_port(99_999)


def test_no_command_is_refused():
    with pytest.raises(UserError, match=r"no command given, e\.g\. create --config FILE"):
        main([])
    with pytest.raises(UserError, match="--config"):
        main(["create"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["resume", "zzz"],
            "nnictl resume: no experiment 'zzz' in .*; experiments here: abc, old$",
        ),
        (["view", "zzz"], "nnictl view: no experiment 'zzz' in "),
        (["resume", "zzz", "-e", "/nowhere"], "nnictl resume: no experiment 'zzz' in /nowhere; "),
        (["resume", "abc"], "nnictl resume: abc is running; first `nnictl stop abc`"),
        (["stop", "bogus"], "nnictl stop: no experiment 'bogus' runs; running here: abc"),
        (["stop", "old"], "nnictl stop: no experiment 'old' runs; running here: abc"),
        (["stop", "--port", "9"], "nnictl stop: no experiment on port 9 runs; running here: abc"),
        (["status", "bogus"], "nnictl: argument .*: invalid choice: 'status' "),
        (["resume"], "nnictl resume: the following arguments are required: id"),
        (["trial", "ls", "zzz"], "nnictl trial ls: no experiment 'zzz' in .*; .* here: abc, old$"),
        (["trial", "kill", "-T", "abc", "zzz"], "nnictl trial kill: no experiment 'zzz' in "),
        (
            ["experiment", "export", "zzz", "-f", "f.json", "-t", "json"],
            "nnictl experiment export: no experiment 'zzz' in ",
        ),
        (["log", "stderr", "zzz"], "nnictl log stderr: no experiment 'zzz' in "),
        (["update", "trialnum", "zzz", "-v", "3"], "nnictl update trialnum: no experiment 'zzz'"),
    ],
)
def test_an_experiment_that_is_not_meant_so_is_one_line(
    home: Path, arguments: list[str], message: str
):
    listed = {
        "abc": {"status": "RUNNING", "pid": os.getpid(), "port": 8080},
        "old": {"status": "RUNNING", "pid": 2**22 + 1},  # killed: no process has such an id
    }
    (home / ".experiment").write_text(json.dumps(listed))
    with pytest.raises(UserError, match=message):
        main(arguments)


@pytest.mark.parametrize("ends", [None, 1])
def test_what_nni_says_of_an_experiment_that_has_ended_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ends: int | None
):
    from nni.tools.nnictl import nnictl, nnictl_utils

    def list_trials() -> None:
        nnictl_utils.print_error("Experiment is not running...")
        if ends is not None:
            sys.exit(ends)

    monkeypatch.setattr(nnictl, "parse_args", list_trials)
    told = (
        r"^nnictl trial ls old: Experiment is not running\.\.\.; see `nnictl experiment list --all`"
    )
    with pytest.raises(UserError, match=told):
        run_nnictl(["trial", "ls", "old"])
    assert capsys.readouterr().out == ""


def test_a_question_that_nobody_answers_is_one_line(monkeypatch: pytest.MonkeyPatch):
    def ask(*_: object) -> None:
        raise EOFError

    monkeypatch.setattr("nni.tools.nnictl.nnictl.experiment_clean", ask)
    with pytest.raises(UserError, match=r"nnictl experiment delete x: it asks a question, and"):
        run_nnictl(["experiment", "delete", "x"])


def test_workers_elsewhere_need_the_managers_address(tmp_path: Path):
    path = tmp_path / "c.yml"
    config = yaml.safe_load((EXPERIMENTS / "remote.yml").read_text())
    del config["nniManagerIp"]
    (tmp_path / "key").touch()
    config["trainingService"]["machineList"][0]["sshKeyFile"] = str(tmp_path / "key")
    shutil.copy(EXPERIMENTS / config["searchSpaceFile"], tmp_path)
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(UserError, match=r"nniManagerIp: not given, but workers of .*'remote'"):
        main(["create", "-c", str(path), "-p", str(free_port())])


@pytest.mark.parametrize(
    ("config", "address"),
    [
        ({"trainingService": {"platform": "local"}}, "127.0.0.1"),
        ({"training_service": {"platform": "remote"}, "nni_manager_ip": "192.0.2.1"}, "192.0.2.1"),
        ({"trainingService": {"platform": "remote", "nni_manager_ip": "192.0.2.2"}}, "192.0.2.2"),
    ],
)
def test_the_manager_is_where_workers_look_for_it_however_it_is_spelled(config: dict, address: str):
    assert manager_address(config) == address


def test_a_strategys_fields_may_have_underscores(tmp_path: Path):
    config = yaml.safe_load((EXPERIMENTS / "sam_architecture.yml").read_text())
    tuner = config.pop("tuner")
    config["Tuner"] = {"class_name": tuner["className"], "class_args": tuner["classArgs"]}
    config["trial_concurrency"] = config["Tuner"]["class_args"]["nets"] = 10
    del config["trialConcurrency"]
    shutil.copy(EXPERIMENTS / config["searchSpaceFile"], tmp_path)
    (tmp_path / "c.yml").write_text(yaml.safe_dump(config))
    with pytest.raises(UserError, match=r"c.yml: trialConcurrency: got 10, expected fewer than"):
        read_config(tmp_path / "c.yml")


def test_the_manager_is_bound_once_whatever_node_is_told_else():
    environment = {"NODE_OPTIONS": "--trace-uncaught", "PATH": "/bin"}
    for _ in range(2):
        prepare_environment(environment, "192.0.2.1")
    assert environment["NODE_OPTIONS"] == f"--trace-uncaught --require={MANAGER_SCRIPT}"
    assert environment["ERSAM_NNI_HOST"] == "192.0.2.1"
    assert environment["PATH"].endswith(":/bin")
    assert environment["PATH"].count(":") == 1
