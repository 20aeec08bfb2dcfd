from __future__ import annotations

import socket
from pathlib import Path

import pytest

from search_spaces.errors import UserError
from search_spaces.nnictl import MANAGER_SCRIPT, check_port, main, prepare_environment, read_config

EXPERIMENTS = MANAGER_SCRIPT.parent
CONFIGS = sorted(path for path in EXPERIMENTS.glob("*.yml") if not path.stem.endswith("_space"))


def test_shipped_experiments_have_sound_search_spaces():
    assert [path.stem for path in CONFIGS] == ["remote", "sam"]
    for path in CONFIGS:
        config = read_config(path)
        assert (path.parent / config["trialCodeDirectory"]).resolve().is_dir()
        assert "python -m lightning_modules trial" in config["trialCommand"]


@pytest.mark.parametrize(
    ("config", "space", "message"),
    [
        ("- 1", "", "got a list, expected an experiment's fields"),
        ("a: [", "", "c.yml: not YAML"),
        ("trialCommand: x", "", "names no searchSpaceFile and holds no searchSpace"),
        ("searchSpaceFile: none.yml", "", "none.yml: no such file"),
        ("searchSpaceFile: s.yml", "x: [", "s.yml: not YAML"),
        ("searchSpaceFile: s.yml", "x: 3", 's.yml: search space "x" is a int, expect a dict'),
        (
            "searchSpaceFile: s.yml",
            "x: {_type: loguniform, _value: [0, 1]}",
            r's.yml: search space "x" \(loguniform\) must have low > 0',
        ),
        ("searchSpace: {x: {_type: odd, _value: [1]}}", "", 'c.yml: .*unsupported type "odd"'),
    ],
)
def test_a_broken_search_space_is_refused(tmp_path: Path, config: str, space: str, message: str):
    (tmp_path / "c.yml").write_text(config)
    (tmp_path / "s.yml").write_text(space)
    with pytest.raises(UserError, match=message):
        read_config(tmp_path / "c.yml")


def test_a_port_in_use_is_refused_before_anything_starts():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UserError, match=f"--port: {port} is in use, perhaps by another exper"):
            main(["create", "--config", str(EXPERIMENTS / "sam.yml"), "--port", str(port)])
    check_port(port)


def test_no_command_is_refused():
    with pytest.raises(UserError, match=r"no command given, e\.g\. create --config FILE"):
        main([])
    with pytest.raises(UserError, match="--config"):
        main(["create"])


def test_workers_elsewhere_need_the_managers_address(tmp_path: Path):
    path = tmp_path / "c.yml"
    path.write_text("searchSpace: {}\ntrainingService: {platform: remote}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with pytest.raises(UserError, match=r"nniManagerIp: not given, but workers of .*'remote'"):
        main(["create", "-c", str(path), "-p", str(free)])


def test_the_manager_is_bound_once_whatever_node_is_told_else():
    environment = {"NODE_OPTIONS": "--trace-uncaught", "PATH": "/bin"}
    for _ in range(2):
        prepare_environment(environment, "192.0.2.1")
    assert environment["NODE_OPTIONS"] == f"--trace-uncaught --require={MANAGER_SCRIPT}"
    assert environment["ERSAM_NNI_HOST"] == "192.0.2.1"
    assert environment["PATH"].endswith(":/bin")
    assert environment["PATH"].count(":") == 1
