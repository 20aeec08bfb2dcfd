"""NNI 3.0 outside of the model space: a trial's talk with its experiment, and `nnictl` itself.

Of the modules that touch NNI the others are `nni_adapter`, `nni_engine` and `nni_tuner`. Nothing of
NNI is imported before it is used: it takes a second.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import logging
import math
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

from search_spaces.errors import UserError

_MANAGER_STARTS_WITHIN_S = 60  # one try a second
# What NNI raises for a bad configuration, a service that fails, a server that does not answer.
_FAILURES = (RuntimeError, ValueError, AssertionError, TypeError, AttributeError, KeyError, OSError)
# Of NNI's own algorithms those that start without files, connections or environment variables.
_TRIED = (
    *("tpe", "random", "evolution", "batch", "batchtuner", "gridsearch"),
    *("metis", "metistuner", "gp", "gptuner", "medianstop", "curvefitting"),
)
_MODES = ("maximize", "minimize")


def next_parameters() -> dict[str, Any]:
    """What the tuner chose for this trial; nothing when run by hand, outside of an experiment.

    Raises:
        UserError: the experiment gives none: it is stopping.
    """
    import nni

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no experiment, as `experiment_id` tells
        parameters = nni.get_next_parameter()
    if parameters is None:
        raise UserError("trial: NNI gave no parameters; the experiment has ended or was stopped")
    return dict(parameters)


def experiment_id() -> str | None:
    """Id of the experiment that runs this trial; None when run by hand."""
    import nni

    name = nni.get_experiment_id()
    return None if name == "STANDALONE" else name


def report_intermediate(metric: Mapping[str, Any]) -> None:
    """Report an epoch's figures; ``default`` is the one that assessors look at."""
    import nni

    nni.report_intermediate_result(dict(metric))


def report_final(metric: Mapping[str, Any]) -> None:
    """Report a trial's result; ``default`` is the one that tuners look at."""
    import nni

    nni.report_final_result(dict(metric))


def check_search_space(space: Any, path: Path) -> None:
    """Refuse a search space that NNI's tuners would stumble over.

    Raises:
        UserError: with NNI's own words, or it holds no parameter, no choice, or no finite number.
    """
    from nni.common.hpo_utils import validate_search_space

    try:
        validate_search_space(space, raise_exception=True)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    if not space:
        raise UserError(f"{path}: search space is empty, expected at least one parameter")
    for name, spec in space.items():
        values = spec["_value"]
        if not values:
            raise UserError(f'{path}: search space "{name}": _value is empty, expected a choice')
        if not _finite(values):
            raise UserError(f'{path}: search space "{name}": got {values}, expected finite numbers')


def _finite(values: Iterable[Any]) -> bool:
    return all(math.isfinite(value) for value in values if isinstance(value, float))


def check_config(path: Path) -> None:
    """Refuse a configuration that NNI would refuse.

    Raises:
        UserError: with NNI's own words, where it has any.
    """
    from nni.experiment.config import ExperimentConfig, utils

    try:
        config = ExperimentConfig.load(path)
        if isinstance(config.training_service, dict):  # NNI knows no service of this platform
            raise UserError(_unknown_platform(path, config.training_service))
        config.validate()
    except _FAILURES as error:
        reason = str(error) or "a field is missing or of a wrong value"
        raise UserError(f"{path}: {reason}; see docs/nnictl.md") from None
    finally:
        utils.unset_base_path()  # NNI leaves it set after a failure


def _unknown_platform(path: Path, service: dict[str, Any]) -> str:
    return (
        f"{path}: trainingService.platform: got {service.get('platform')!r}, expected local, remote"
        " or another of NNI's"
    )


def is_builtin(name: str, kind: str) -> bool:
    """Whether NNI has a ``tuner`` or ``assessor`` of this name."""
    from nni.tools.package_utils.tuner_factory import get_builtin_module_class_name

    return get_builtin_module_class_name(f"{kind}s", name) != (None, None)


def check_arguments(name: str, arguments: Mapping[str, Any], kind: str, space: Any) -> None:
    """Refuse arguments with which one of NNI's own algorithms would die at its start.

    Args:
        name: of the algorithm.
        arguments: for its class.
        kind: ``tuner`` or ``assessor``.
        space: for which a tuner chooses.

    Raises:
        UserError: with the algorithm's own words, where it has any, or it needs what is not
            installed.
    """
    mode = arguments.get("optimize_mode")
    if mode is not None and mode not in _MODES:
        raise UserError(f"optimize_mode: got {mode!r}, expected {' or '.join(_MODES)}")
    _class_of(name, kind)
    if name.lower() not in _TRIED:
        return
    from nni.tools.package_utils.tuner_factory import create_builtin_class_instance

    before = logging.root.manager.disable
    logging.disable()  # NNI tells of seeds, and of each refusal beside the exception
    try:
        algorithm = create_builtin_class_instance(name, dict(arguments), f"{kind}s")
        _check_numbers(algorithm, arguments)
        if kind == "tuner":
            algorithm.update_search_space(space)
    except _FAILURES as error:
        raise UserError(f"{name} cannot start: {str(error) or 'a wrong value'}") from None
    finally:
        logging.disable(before)


def is_minimising(name: str, arguments: Mapping[str, Any], kind: str) -> bool:
    """Whether one of NNI's algorithms looks for the least figure, as TPE does unless it is told.

    Args:
        name: of the algorithm.
        arguments: for its class.
        kind: ``tuner`` or ``assessor``.

    Raises:
        UserError: it needs what is not installed.
    """
    parameter = inspect.signature(_class_of(name, kind)).parameters.get("optimize_mode")
    default = None if parameter is None else parameter.default
    return bool(arguments.get("optimize_mode", default) == "minimize")


def _class_of(name: str, kind: str) -> type:
    from nni.tools.package_utils.tuner_factory import get_builtin_module_class_name

    module, attribute = get_builtin_module_class_name(f"{kind}s", name)
    try:
        found: type = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise UserError(
            f"{name} cannot start: {error}; install what it needs, or take another {kind}"
        ) from None
    return found


def _check_numbers(algorithm: Any, arguments: Mapping[str, Any]) -> None:
    """Refuse what is no number where an algorithm's default is one; most look at it much later."""
    for name, parameter in inspect.signature(type(algorithm)).parameters.items():
        value = arguments.get(name, 0)
        if isinstance(parameter.default, int | float) and not isinstance(value, int | float):
            raise UserError(f"{name}: got {value!r}, expected a number, e.g. {parameter.default}")


def experiment_asked_for(arguments: list[str]) -> str | None:
    """Id of the experiment that an `nnictl` command line names; None if it names none.

    Raises:
        UserError: a command line that NNI does not know.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that pkg_resources is deprecated
        from nni.tools.nnictl.nnictl import get_parser

    with _complaints_in_one_line():
        return getattr(get_parser().parse_args(arguments), "id", None)


def run_nnictl(arguments: list[str]) -> int:
    """NNI's own `nnictl` with these arguments, in this process; its exit code.

    Raises:
        UserError: it gave up, or told of an error, after which it would end as if all were well:
            why.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that pkg_resources is deprecated
        from nni.experiment import launcher
        from nni.tools.nnictl import nnictl_utils
        from nni.tools.nnictl.nnictl import parse_args

    # A busy machine takes longer to start the manager than the 3 s for which NNI waits.
    launcher._check_rest_server = partial(
        launcher._check_rest_server, retry=_MANAGER_STARTS_WITHIN_S
    )
    command_line = mock.patch.object(sys, "argv", ["nnictl", *arguments])
    told: list[str] = []
    errors = mock.patch.object(
        nnictl_utils, "print_error", lambda *words: told.append(" ".join(map(str, words)))
    )
    code = 0
    try:
        with command_line, errors, _complaints_in_one_line():
            parse_args()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except EOFError:  # as with `experiment delete` in a script
        raise UserError(
            f"nnictl {' '.join(arguments)}: it asks a question, and standard input gives no answer;"
            " put `yes |` before the command to agree"
        ) from None
    except _FAILURES as error:
        reason = " ".join(told) or str(error) or type(error).__name__
        raise UserError(f"nnictl {arguments[0]}: {reason}") from error
    if told:
        raise UserError(
            f"nnictl {' '.join(arguments)}: {' '.join(told)}; see `nnictl experiment list --all`"
        )
    return code


@contextmanager
def _complaints_in_one_line() -> Iterator[None]:
    """Let NNI's own parser refuse a command line as ours do, without its usage."""

    def refuse(parser: argparse.ArgumentParser, message: str) -> NoReturn:
        raise UserError(f"{parser.prog}: {message} (see `{parser.prog} --help`)")

    with mock.patch.object(argparse.ArgumentParser, "error", refuse):
        yield
