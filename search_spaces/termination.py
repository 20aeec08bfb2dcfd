"""SIGTERM as Ctrl-C, and who hears either, for work with processes of its own to end first."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """SIGTERM where it would end the process at once."""


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Raise `Terminated`, an interrupt, where SIGTERM would end the process; main thread only."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def ended_by_interrupt() -> Iterator[None]:
    """Let Ctrl-C end this process as a signal does, not by a code, once what is within has ended.

    NNI interrupts a trial that its assessor, or somebody on its page, stops; of one that ends by a
    code it says that it failed. A shell shows the same code of both.
    """
    try:
        yield
    except Terminated:
        raise
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        raise


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes that are started here do not hear Ctrl-C, which their parent ends them on.

    While they import they have no other way to end on it than a traceback each. Main thread only.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt(signal_number: int, frame: object) -> NoReturn:
    raise Terminated
