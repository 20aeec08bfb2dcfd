"""`python -m search_spaces nnictl`: NNI's `nnictl`, on loopback, its complaints in one line."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from search_spaces.command_line import CommandParser, named_path, positive_whole_number
from search_spaces.errors import UserError
from search_spaces.nni_experiment import check_search_space, experiment_asked_for, run_nnictl
from search_spaces.nni_records import check_listed, check_running, check_stopped
from search_spaces.nni_strategies import population_of
from search_spaces.nnictl_check import check_experiment, field, search_space_of
from search_spaces.yaml_file import read_yaml

MANAGER_SCRIPT = Path(__file__).parent / "experiments" / "manager.cjs"
STRATEGY_TUNER = "search_spaces.nni_tuner.StrategyTuner"
DEFAULT_PORT, LAST_PORT = 8080, 65_535
_STARTS_MANAGER = {"create", "resume", "view"}


def main(arguments: Sequence[str]) -> int:
    """Check what can be checked, then run `nnictl`.

    Raises:
        UserError: no command, a port in use, a configuration or search space that cannot be used,
            or an experiment that there is not, or that runs where it must not or does not.
    """
    if not arguments:
        raise UserError("nnictl: no command given, e.g. create --config FILE; see nnictl --help")
    helps = {"-h", "--help"} & {*arguments}
    if arguments[0] in _STARTS_MANAGER and not helps:
        options = _parse(arguments)
        config = _checked(options, arguments[0])
        check_port(options.port)
        prepare_environment(os.environ, manager_address(config))
    elif arguments[0] == "stop" and not helps:
        stop = _parse(arguments)
        if stop.id or stop.port:
            check_running(stop.id, stop.port)
    elif not helps and (named := experiment_asked_for([*arguments])):
        check_listed(named, " ".join(arguments[:2]))
    return run_nnictl(list(arguments))


def _checked(options: Any, command: str) -> dict[str, Any]:
    """The configuration of a new experiment; of one that NNI has nothing, but it can be had."""
    if command == "create":
        config, space = read_config(options.config)
        check_experiment(config, options.config, space)
        return config
    if options.id:
        check_stopped(options.id, command, options.experiment_dir)
    return {}


def read_config(path: Path) -> tuple[dict[str, Any], Any]:
    """An experiment's configuration and its search space, which NNI's tuners can use.

    Raises:
        UserError: either is missing, not YAML, or not what NNI expects.
    """
    config = read_yaml(path)
    if not isinstance(config, dict):
        raise UserError(f"{path}: got a {type(config).__name__}, expected an experiment's fields")
    space, space_path = search_space_of(config, path)
    check_search_space(space, space_path)
    tuner = field(config, "tuner")
    if isinstance(tuner, dict) and field(tuner, "className") == STRATEGY_TUNER:
        arguments = field(tuner, "classArgs") or {}
        _check_strategy(arguments, path, space, space_path)
        _check_concurrency(arguments, path, field(config, "trialConcurrency"))
    return config, space


def check_port(port: int) -> None:
    """Refuse a port that there is not, or on which somebody listens.

    Raises:
        UserError: naming the port and the mend.
    """
    if port > LAST_PORT:
        raise UserError(f"--port: got {port}, expected 1 to {LAST_PORT}")
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            probe = socket.socket(family)
        except OSError:  # a host without IPv6
            continue
        with probe:
            if probe.connect_ex((address, port)) == 0:
                raise UserError(
                    f"--port: {port} is in use, perhaps by another experiment (`nnictl experiment"
                    " list`); stop that or give another, e.g. --port 8081"
                )


def prepare_environment(environment: MutableMapping[str, str], host: str) -> None:
    """Let NNI's manager listen on ``host`` alone, and its trials find this Python.

    Args:
        environment: changed in place.
        host: address of an interface.
    """
    environment["ERSAM_NNI_HOST"] = host
    required = f"--require={MANAGER_SCRIPT}"
    options = environment.get("NODE_OPTIONS", "")
    if required not in options:
        environment["NODE_OPTIONS"] = f"{options} {required}".strip()
    folder = str(Path(sys.executable).parent)
    path = environment.get("PATH", "")
    if folder not in path.split(os.pathsep):
        environment["PATH"] = f"{folder}{os.pathsep}{path}"


def _check_strategy(arguments: Any, path: Path, space: Any, space_path: Path) -> None:
    from search_spaces.nni_tuner import StrategyTuner

    try:
        tuner = StrategyTuner(**arguments)
    except (TypeError, UserError) as error:
        raise UserError(f"{path}: tuner.classArgs: {error}") from None
    try:
        tuner.update_search_space(space)
    except UserError as error:
        raise UserError(f"{space_path}: {error}") from None


def _check_concurrency(arguments: dict[str, Any], path: Path, trials: Any) -> None:
    population = population_of(arguments["nets"])
    if arguments["strategy"] == "evolution" and isinstance(trials, int) and trials >= population:
        raise UserError(
            f"{path}: trialConcurrency: got {trials}, expected fewer than evolution's population,"
            f" {population} of {arguments['nets']} nets"
        )


def manager_address(config: dict[str, Any]) -> str:
    """Where the manager listens: remote workers call it back by ``nniManagerIp``.

    Raises:
        UserError: workers elsewhere, but no address.
    """
    service = field(config, "trainingService")
    if not isinstance(service, Mapping) or field(service, "platform") in (None, "local"):
        return "127.0.0.1"
    platform = field(service, "platform")
    address = field(config, "nniManagerIp") or field(service, "nniManagerIp")
    if address is None:
        raise UserError(
            f"nniManagerIp: not given, but workers of the training service {platform!r} call the"
            " manager back; name the address of this machine on their network"
        )
    return str(address)


def _parse(arguments: Sequence[str]) -> Any:
    parser = CommandParser(prog=f"nnictl {arguments[0]}")
    if arguments[0] == "create":
        parser.add_argument("--config", "-c", type=named_path, required=True)
    else:
        parser.add_argument("id", nargs="?")
        parser.add_argument("--experiment_dir", "-e", type=named_path)
    port = None if arguments[0] == "stop" else DEFAULT_PORT
    parser.add_argument("--port", "-p", type=positive_whole_number, default=port)
    return parser.parse_known_args(arguments[1:])[0]
