"""A time in somebody's file, as text."""

from __future__ import annotations

import math

from search_spaces.errors import UserError

ROUNDING_S = 0.1  # by which a stretch may end behind its recording


def read_seconds(text: str, what: str, expected: str) -> float:
    """The seconds that ``text`` says, finite and 0 or more.

    Raises:
        UserError: it says something else; ``what`` names file, line and field.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise UserError(f"{what} {text!r}, expected {expected}")
    return value
