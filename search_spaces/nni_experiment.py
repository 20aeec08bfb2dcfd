"""NNI 3.0 outside of the model space: a trial's talk with its experiment, and `nnictl` itself.

Of the modules that touch NNI the others are `nni_adapter`, `nni_engine` and `nni_tuner`. Nothing of
NNI is imported before it is used: it takes a second.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

from search_spaces.errors import UserError

_MANAGER_STARTS_WITHIN_S = 60  # one try a second
# What NNI raises for a bad configuration, a service that fails, a server that does not answer.
_FAILURES = (RuntimeError, ValueError, AssertionError, TypeError, AttributeError, KeyError, OSError)


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
        UserError: with NNI's own words.
    """
    from nni.common.hpo_utils import validate_search_space

    try:
        validate_search_space(space, raise_exception=True)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


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


def run_nnictl(arguments: list[str]) -> int:
    """NNI's own `nnictl` with these arguments, in this process; its exit code.

    Raises:
        UserError: it gave up: why.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that pkg_resources is deprecated
        from nni.experiment import launcher
        from nni.tools.nnictl.nnictl import parse_args

    # A busy machine takes longer to start the manager than the 3 s for which NNI waits.
    launcher._check_rest_server = partial(
        launcher._check_rest_server, retry=_MANAGER_STARTS_WITHIN_S
    )
    command_line = mock.patch.object(sys, "argv", ["nnictl", *arguments])
    try:
        with command_line, _complaints_in_one_line():
            parse_args()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except _FAILURES as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"nnictl {arguments[0]}: {reason}") from error
    return 0


@contextmanager
def _complaints_in_one_line() -> Iterator[None]:
    """Let NNI's own parser refuse a command line as ours do, without its usage."""

    def refuse(parser: argparse.ArgumentParser, message: str) -> NoReturn:
        raise UserError(f"{parser.prog}: {message} (see `{parser.prog} --help`)")

    with mock.patch.object(argparse.ArgumentParser, "error", refuse):
        yield
