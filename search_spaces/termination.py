"""SIGTERM as Ctrl-C, for work that has processes of its own to end first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Raise `KeyboardInterrupt` where SIGTERM would end the process at once; main thread only."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(signal_number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
