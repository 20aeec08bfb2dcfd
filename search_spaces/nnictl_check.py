"""What of an experiment NNI would find out too late, or not say: its fields, tuner and supernet."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search_spaces.errors import UserError
from search_spaces.nni_experiment import (
    check_arguments,
    check_config,
    is_builtin,
    is_minimising,
)
from search_spaces.yaml_file import read_yaml

_NUMBERS = ("trialConcurrency", "maxTrialNumber")
_DURATIONS = ("maxExperimentDuration", "maxTrialDuration")
_DURATION = re.compile(r"\d*\.?\d+[smhd]", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")
_TRIAL = ["-m", "search_spaces", "trial"]
_KITS_TRIAL = re.compile(r"-m\s+(search_spaces\s+trial|lightning_modules\s+(net-)?trial)\b")


def check_experiment(config: Mapping[str, Any], path: Path, space: Any) -> None:
    """Refuse an experiment that NNI would not start, or that would run without trials.

    Args:
        config: what stands in the file.
        path: of the file.
        space: its search space.

    Raises:
        UserError: naming the file and the field.
    """
    for name in _NUMBERS:
        value = field(config, name)
        if value is not None and (type(value) is not int or value < 1):
            raise UserError(f"{path}: {name}: got {value!r}, expected a whole number, 1 or more")
    for name in _DURATIONS:
        value = field(config, name)
        if value is not None and not _is_duration(value):
            raise UserError(f"{path}: {name}: got {value!r}, expected a time, e.g. 90m or 24h")
    _check_command(config, path)
    service = field(config, "trainingService")
    if not isinstance(service, Mapping):
        raise UserError(
            f"{path}: trainingService: got {service!r}, expected its fields, e.g. platform: local"
        )
    for kind in ("tuner", "assessor"):
        _check_algorithm(config, kind, path, space)
    check_config(path)
    _check_trial(config, path, space)


def field(config: Mapping[str, Any], name: str) -> Any:
    """A field as NNI finds it, whatever its case and underscores; None if it is missing."""
    plain = {str(key).replace("_", "").lower(): value for key, value in config.items()}
    return plain.get(name.lower())


def search_space_of(config: Mapping[str, Any], path: Path) -> tuple[Any, Path]:
    """The search space of an experiment, and the file in which it stands.

    Raises:
        UserError: there is none, or its file is missing or not YAML.
    """
    name, space = field(config, "searchSpaceFile"), field(config, "searchSpace")
    if name is not None:
        space_path = path.parent / str(name)
        return read_yaml(space_path), space_path
    if space is None:
        raise UserError(f"{path}: names no searchSpaceFile and holds no searchSpace")
    return space, path


def _check_command(config: Mapping[str, Any], path: Path) -> None:
    command = field(config, "trialCommand")
    if isinstance(command, str) and not command.strip():
        raise UserError(f"{path}: trialCommand: is empty; name what runs a trial")


def _is_duration(value: Any) -> bool:
    if isinstance(value, str):
        return _DURATION.fullmatch(value) is not None and float(value[:-1]) > 0
    return type(value) is int and value > 0


def _check_algorithm(config: Mapping[str, Any], kind: str, path: Path, space: Any) -> None:
    """Refuse an algorithm that cannot start: NNI would, and wait for it for ever.

    Raises:
        UserError: naming it, or one of NNI's that would look for the kit's worst trials.
    """
    algorithm = field(config, kind)
    if algorithm is None:
        return  # an experiment needs no assessor, and `check_config` asks for the tuner
    example = "TPE" if kind == "tuner" else "Medianstop"
    if not isinstance(algorithm, Mapping):
        raise UserError(f"{path}: {kind}: got {algorithm!r}, expected fields, e.g. name: {example}")
    name, class_name = field(algorithm, "name"), field(algorithm, "className")
    if (name is None) == (class_name is None):
        raise UserError(f"{path}: {kind}: expected either a name, e.g. {example}, or a className")
    if class_name is None:
        if not is_builtin(str(name), kind):
            raise UserError(f"{path}: {kind}.name: NNI has no {kind} {name!r}, e.g. {example}")
        arguments = field(algorithm, "classArgs")
        if arguments is not None and not isinstance(arguments, Mapping):
            raise UserError(
                f"{path}: {kind}.classArgs: got {arguments!r}, expected fields,"
                " e.g. optimize_mode: maximize"
            )
        try:
            check_arguments(str(name), arguments or {}, kind, space)
        except UserError as error:
            raise UserError(f"{path}: {kind}.classArgs: {error}") from None
        if _KITS_TRIAL.search(str(field(config, "trialCommand"))):
            _check_direction(str(name), arguments or {}, kind, path)
        return
    module, _, attribute = str(class_name).rpartition(".")
    folder = path.parent / str(field(algorithm, "codeDirectory") or ".")
    try:
        with _importable(folder):
            getattr(importlib.import_module(module), attribute)
    except Exception as error:  # noqa: BLE001 (the module is anybody's, and may raise anything)
        raise UserError(
            f"{path}: {kind}.className: {class_name!r} cannot be found from {folder} ({error});"
            " mend it or codeDirectory"
        ) from None


def _check_direction(name: str, arguments: Mapping[str, Any], kind: str, path: Path) -> None:
    """Refuse an algorithm that would look for the kit's worst trials; it may do so by default.

    Raises:
        UserError: naming it.
    """
    if is_minimising(name, arguments, kind):
        by_default = "" if "optimize_mode" in arguments else f", the default of {name}"
        raise UserError(
            f"{path}: {kind}.classArgs: optimize_mode: got 'minimize'{by_default}, but more is"
            " better of what this trialCommand reports; give maximize"
        )


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.append(str(folder.resolve()))  # as NNI does
    try:
        yield
    finally:
        sys.path.pop()


def _check_trial(config: Mapping[str, Any], path: Path, space: Any) -> None:
    """Refuse what every trial over architectures would: a supernet, clips or budget that fail, or a
    search space that is not of the supernet's.

    Raises:
        UserError: see `search_setup.prepare` and `nni_space.narrowed`.
    """
    service = field(config, "trainingService")
    platform = field(service, "platform") if isinstance(service, Mapping) else None
    arguments = trial_arguments(str(field(config, "trialCommand")), os.environ)
    if platform != "local" or arguments is None:
        return  # files of other machines, and other commands, are not known here
    from search_spaces.architecture_trial import setup_of
    from search_spaces.nni_space import narrowed
    from search_spaces.search_options import parse_trial

    folder = (path.parent / str(field(config, "trialCodeDirectory") or ".")).resolve()
    try:
        setup = setup_of(parse_trial(arguments), folder, folder)
    except UserError as error:
        raise UserError(f"{path}: trialCommand: {error}") from None
    try:
        narrowed(setup.spec, space)
    except UserError as error:
        _, space_path = search_space_of(config, path)
        raise UserError(f"{space_path}: {str(error).removeprefix('architecture: ')}") from None


def trial_arguments(command: str, environment: Mapping[str, str]) -> Sequence[str] | None:
    """Flags of the trial over architectures that a shell's command runs; None if it runs another.

    Of the shell's language variables are known, and their defaults; a command with more, such as
    single quotes, a home folder or a pattern, is not looked into.
    """
    try:
        words = shlex.split(_VARIABLE.sub(lambda found: _value(found, environment), command))
    except ValueError:
        return None
    at = next((at for at in range(len(words)) if words[at : at + 3] == _TRIAL), None)
    if at is None or at != 1 or {*"$`;|&<>()*?[~"} & {*"".join(words)} or "'" in command:
        return None
    return words[at + len(_TRIAL) :]


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    return environment.get(found[1] or found[3]) or found[2] or ""
