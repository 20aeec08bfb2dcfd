"""What goes wrong in `fit`, `validate` and `test`, said in one line that names what is to blame."""

from __future__ import annotations

import itertools
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from lightning.pytorch.cli import LightningArgumentParser
from lightning.pytorch.utilities.exceptions import MisconfigurationException, SIGTERMException

from search_spaces.errors import EXIT_TERMINATED, UserError, one_line

CONFIG_FLAGS = ("--config", "-c")
# What torch says when another process of a run is gone, and what that means.
DEAD_PROCESSES = {
    r"DataLoader worker": "data.num_workers: a process that makes clips died, perhaps of too little"
    " memory",
    r"Connection (closed|reset) by peer|Socket Timeout|Broken pipe|Timed out waiting": "trainer:"
    " another process of this distributed run died",
}
# What Lightning raises where it refuses something.
_REFUSALS = (ValueError, TypeError, AttributeError, ZeroDivisionError, RuntimeError, ImportError)


class ParserError(UserError):
    """An option that does not exist or has a bad value."""


class OneLineParser(LightningArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """End the parsing.

        Raises:
            ParserError: always.
        """
        raise ParserError(one_line(message)) from ex


@contextmanager
def errors_in_one_line(arguments: list[str]) -> Iterator[None]:
    """Turn what the parser, Lightning and dying processes raise into `UserError`.

    Args:
        arguments: subcommand and options that run meanwhile.

    Raises:
        UserError: bad options, configuration or trainer settings, or a process that died.
        SystemExit: this process was terminated.
    """
    try:
        yield
    except ParserError as error:
        raise UserError(blame(error, arguments or ["fit"])) from error
    except MisconfigurationException as error:
        raise UserError(f"trainer: {one_line(str(error))}") from error
    except SIGTERMException:
        _say_terminated()
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # Lightning makes it exit code 1
            raise KeyboardInterrupt from None
        raise
    except _REFUSALS as error:
        if "not in bounds" in str(error):
            raise UserError(f"seed_everything: {one_line(str(error))}") from None
        if isinstance(error, RuntimeError):
            refuse_dead_process(error)
        if not _raised_by_lightning(error):
            raise
        raise UserError(
            f"trainer: refuses these settings ({type(error).__name__}: {one_line(str(error))})"
        ) from None


def blame(error: ParserError, arguments: list[str]) -> str:
    """A parser's complaint, with the configuration file in front unless an option is to blame."""
    configs = [value for flag, value in itertools.pairwise(arguments) if flag in CONFIG_FLAGS]
    options = [argument.removeprefix("--") for argument in arguments if argument[:2] == "--"]
    key = re.search(r"['\"]([\w.]+)['\"]", str(error).replace(f"'{arguments[0]}'", ""))
    from_option = "unrecognized" in str(error) or (
        key is not None and any(option.startswith(key[1]) for option in options)
    )
    where = "" if from_option or not configs else f"{configs[-1]}: "
    return f"{where}{error}; see `python -m lightning_modules {arguments[0]} --help`"


def _say_terminated() -> NoReturn:
    print("terminated; the same command goes on from the last checkpoint", file=sys.stderr)
    raise SystemExit(EXIT_TERMINATED) from None


def refuse_dead_process(error: RuntimeError) -> None:
    """Say in one line that another process of this run died, if that is what ``error`` is about.

    Raises:
        UserError: it is; the mend is to run the same command again.
        SystemExit: it was terminated, as this one is where all processes of a run are.
    """
    reason = one_line(str(error))
    if re.search(r"DataLoader worker.* signal: Terminated", reason):
        _say_terminated()
    for pattern, who in DEAD_PROCESSES.items():
        if re.search(pattern, reason):
            raise UserError(
                f"{who} ({reason[:200]}); run the same command again: it goes on from the last"
                " checkpoint"
            ) from error


def _raised_by_lightning(error: Exception) -> bool:
    """Whether Lightning itself refused something, and not a fault of ours or of torch."""
    *_, frame = traceback.extract_tb(error.__traceback__)
    return "lightning" in Path(frame.filename).parts
