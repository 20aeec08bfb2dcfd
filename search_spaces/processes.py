"""Running another command of the kit as a process of its own, without leaving orphans."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import TextIO

from search_spaces.termination import Terminated

GRACE_S = 10.0
PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def run_python(arguments: Sequence[str], stdout: TextIO | None = None) -> int:
    """Run ``python *arguments`` to its end; on Ctrl-C let it end first, then pass that on.

    Args:
        arguments: after ``python``.
        stdout: where its output goes; ours if not given. Its errors always go where ours do.

    Returns:
        Its exit code, negative for a signal.
    """
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=stdout,
        preexec_fn=_die_with_parent,
    )
    try:
        return process.wait()
    except KeyboardInterrupt as interrupt:
        if isinstance(interrupt, Terminated):  # which a terminal sends to nobody
            process.terminate()
        # A terminal's Ctrl-C reached the child as well; a signal to us alone did not.
        for stop in (process.terminate, process.kill):
            try:
                process.wait(GRACE_S)
                break
            except subprocess.TimeoutExpired:
                stop()
        process.wait()
        raise


def describe_exit(exit_code: int) -> str:
    """An exit code in words; negative codes are signals."""
    if exit_code < 0:
        hint = " (out of memory?)" if -exit_code == signal.SIGKILL else ""
        return f"was killed by {signal.Signals(-exit_code).name}{hint}"
    return f"ended with exit code {exit_code}"


def minutes(seconds: float) -> str:
    """A duration for people, e.g. ``2m05s``."""
    whole = round(seconds)
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"


def _die_with_parent() -> None:
    """In the child: end when the parent is killed, lest an orphan write into its folder (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
