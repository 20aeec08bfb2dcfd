"""What numbers an option may have, and the refusal of others."""

from __future__ import annotations

from search_spaces.errors import UserError

MOST_SPEED = 0.5  # faster or slower, as a share


def check_range(field: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuse a value outside [low, high].

    Raises:
        UserError: naming the field below ``model``, the value and the range.
    """
    if not low <= value <= high:
        allowed = f"at least {low}" if high == float("inf") else f"{low} to {high}"
        raise UserError(f"model.{field}: got {value}, expected {allowed}")


def check_least(**fields: tuple[int, int]) -> None:
    """Refuse a value below its least: ``field=(value, least)``.

    Raises:
        UserError: naming the field, the value and the least.
    """
    for field, (value, least) in fields.items():
        if value < least:
            raise UserError(f"{field}: {value}, expected at least {least}")


def check_speed(field: str, value: float) -> None:
    """Refuse how much faster or slower something may be played, a share from 0 to `MOST_SPEED`.

    Raises:
        UserError: naming the field, the value and the range.
    """
    if not 0 <= value <= MOST_SPEED:
        raise UserError(f"{field}: {value}, expected 0 (off) to {MOST_SPEED}")
