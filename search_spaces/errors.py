"""The one exception that a command turns into a single line and exit code 2."""

from __future__ import annotations

import errno
import io
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from search_spaces.termination import Terminated

EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_TERMINATED = 2, 130, 143

_OLDEST_PYTHON = (3, 11)
_PACKAGES = ("search_spaces", "lightning_modules", "deploy", "benchmarks", "tests")  # the kit's


class UserError(Exception):
    """Input that the user can mend: the message names the file or field, what was got, the mend."""


def run_command(main: Callable[[], int | None]) -> int:
    """Run a command's body; a `UserError` becomes one line on stderr and exit code 2.

    Returns:
        The exit code: what ``main`` returned (None counts as 0), 2 for bad input or for a refusal
        of the operating system (missing path, read-only folder, full disk) or a Python that is not
        the kit's, 130 for Ctrl-C, 143 for SIGTERM where the command hears it (`termination`).
    """
    try:
        code = _exit_code(main)
    except SystemExit:  # of --help
        _flush_stdout()
        raise
    return code if _flush_stdout() else code or EXIT_BAD_INPUT


def _exit_code(main: Callable[[], int | None]) -> int:
    try:
        _prepare_streams()
        _check_python()
        return main() or 0
    except UserError as error:
        complain(error)
        return EXIT_BAD_INPUT
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] in _PACKAGES:
            raise
        complain(f"{error.name}: not installed in {_this_python()}")
        return EXIT_BAD_INPUT
    except BrokenPipeError:  # `| head` has read enough
        _forsake_stdout()
        return 0
    except OSError as error:
        if error.filename is None and not _flush_stdout():
            return EXIT_BAD_INPUT  # it came of a print, and was said
        complain(describe_os_error(error) + _mend_of(error))
        return EXIT_BAD_INPUT
    except Terminated:
        print("terminated", file=sys.stderr)
        return EXIT_TERMINATED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _check_python() -> None:
    if sys.version_info < _OLDEST_PYTHON:
        oldest = ".".join(map(str, _OLDEST_PYTHON))
        raise UserError(f"Python {oldest} or later is needed, this is {_this_python()}")


def _this_python() -> str:
    """Which one it is, and the mend where it is not the kit's."""
    return (
        f"{sys.executable} (Python {platform.python_version()}); type `source .venv/bin/activate`"
        " in the kit's folder first (`make setup` makes .venv)"
    )


def _flush_stdout() -> bool:
    """Write what standard output still holds: of a failure at its end the interpreter tells in
    several lines, with exit code 120.

    Returns:
        False where that is not possible, which is then said.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _forsake_stdout()
    except OSError as error:
        _forsake_stdout()
        complain(f"standard output: {describe_os_error(error)}{_mend_of(error)}")
        return False
    return True


def _mend_of(error: OSError) -> str:
    return "; make room and give the same command again" if disk_full(error) else ""


def complain(what: UserError | str) -> None:
    """Say on stderr, in one line, what is wrong."""
    print(f"error: {one_line(_without_traceback(str(what)))}", file=sys.stderr)


def _without_traceback(message: str) -> str:
    """What went wrong in a worker of torch's loader, which sends its traceback as the message."""
    raised = re.search(r"^Caught (\w+) in DataLoader worker", message)
    if raised is None:
        return message
    return re.split(rf"^(?:[\w.]+\.)?{raised[1]}: ", message, flags=re.MULTILINE)[-1]


def _prepare_streams() -> None:
    """Refuse a closed standard output (`>&-`), which would lose results; open a closed error.

    What standard output cannot encode, as a file's name that is not UTF-8, is shown in escapes.
    """
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (to the end of the process)
    if sys.stdout is None:
        raise UserError("standard output is closed; send it to a file, or to /dev/null")
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _forsake_stdout() -> None:
    """Let what standard output still holds go nowhere: the interpreter flushes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def disk_full(error: OSError) -> bool:
    """Whether there is no room, or the user's share of it is used up."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Let the error of a full disk, which comes of a write without any name, name ``path``.

    Raises:
        OSError: as it came otherwise.
    """
    try:
        yield
    except OSError as error:
        if disk_full(error) and error.filename is None:
            error.filename = str(path)
        raise


def describe_os_error(error: OSError) -> str:
    """An operating system refusal as ``path: reason``, without the errno number."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def one_line(text: str) -> str:
    """Collapse a message to one line."""
    return " ".join(text.split())
