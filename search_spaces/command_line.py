"""Command lines that refuse a wrong flag in one line, as every other bad input (`errors`)."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from search_spaces.errors import UserError

_DIGITS = 20  # of a number, at most


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose complaints are `UserError`s instead of a usage text and an exit.

    An abbreviated flag is refused too: it would mean another one after the next release.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})
        for name in (None, "store"):
            self.register("action", name, _Store)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            UserError: always, with argparse's message, which names the flag and the value.
        """
        raise UserError(f"{message} (see `{self.prog} --help`)")


class _Store(argparse.Action):
    """Stores as argparse does, but a flag of several values that is given again adds to them.

    argparse would forget the first ones: of ``--bundle A --bundle B`` only B would be measured.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Store ``values``, behind those that the flag was given before."""
        before: Any = getattr(namespace, self.dest, None)
        if self.option_strings and self.nargs == "+" and before is not self.default:
            values = [*before, *values]
        setattr(namespace, self.dest, values)


def positive_number(text: str) -> float:
    """A finite number above 0, for ``type=`` of a flag.

    Raises:
        argparse.ArgumentTypeError: the text is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number above 0")
    return value


def whole_number(text: str) -> int:
    """A whole number of at least 0, for ``type=`` of a flag.

    Raises:
        argparse.ArgumentTypeError: the text is none.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number, 0 or more")
    return int(text)


def named_path(text: str) -> Path:
    """A path that is not empty, for ``type=`` of a flag: empty would be the folder one is in.

    Raises:
        argparse.ArgumentTypeError: it is empty, as a shell variable may be.
    """
    if not text:
        raise argparse.ArgumentTypeError("is empty; name a file or folder")
    return Path(text)


def whole_number_within(least: int, most: int) -> Callable[[str], int]:
    """A whole number between bounds, both included, for ``type=`` of a flag.

    Its result raises argparse.ArgumentTypeError for a text that is none.
    """

    def parse(text: str) -> int:
        if not text.isdecimal() or len(text) > _DIGITS or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"got {text[:_DIGITS]!r}, expected a whole number, {least} to {most}"
            )
        return int(text)

    return parse


def positive_whole_number(text: str) -> int:
    """A whole number of at least 1, for ``type=`` of a flag.

    Raises:
        argparse.ArgumentTypeError: the text is none.
    """
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number, 1 or more")
    return int(text)
