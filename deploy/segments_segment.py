"""A stretch of a recording in which one speaker speaks, whatever file says so."""

from __future__ import annotations

from typing import NamedTuple

from lightning_modules.seconds import read_seconds


class Segment(NamedTuple):
    """One speaker speaks, from ``start_s`` to ``end_s``."""

    recording: str
    speaker: str
    start_s: float
    end_s: float


def seconds(text: str, name: str, where: str) -> float:
    """A time that a file of segments says.

    Raises:
        UserError: it says none; ``where`` names file and line.
    """
    return read_seconds(text, f"{where}: {name}", "seconds, 0 or more")
