"""The one exception that a command turns into a single line and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable

EXIT_BAD_INPUT = 2


class UserError(Exception):
    """Input that the user can mend: the message names the file or field, what was got, the mend."""


def run_command(main: Callable[[], int | None]) -> int:
    """Run a command's body; a `UserError` becomes one line on stderr and exit code 2.

    Returns:
        The exit code: what ``main`` returned (None counts as 0), 2 for bad input or for a refusal
        of the operating system (missing path, read-only folder, full disk), 130 for Ctrl-C.
    """
    try:
        return main() or 0
    except UserError as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except OSError as error:
        print(f"error: {one_line(describe_os_error(error))}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def describe_os_error(error: OSError) -> str:
    """An operating system refusal as ``path: reason``, without the errno number."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def one_line(text: str) -> str:
    """Collapse a message to one line."""
    return " ".join(text.split())
