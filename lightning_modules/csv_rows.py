"""What no CSV may have, whatever its columns: a column twice, or more fields than columns."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from search_spaces.errors import UserError

# What is wrong where UTF-8 or, in strict mode, a quote ends too late or never.
NOT_CSV = "not a CSV in UTF-8 ({}); close its quotes, or export it anew"


def check_header(columns: Sequence[str], where: str) -> None:
    """Refuse a first line that names a column twice, for the last one would win.

    Raises:
        UserError: naming the column.
    """
    for name in columns:
        if name and columns.count(name) > 1:
            raise UserError(f"{where}: column {name} is in its first line twice; remove one")


def check_fields(row: MutableMapping[Any, Any], where: str) -> None:
    """Refuse a row of `csv.DictReader` that has too many fields; take empty ones off.

    Raises:
        UserError: naming what is too much.
    """
    surplus = row.pop(None, [])
    if any(cell.strip() for cell in surplus):
        raise UserError(
            f"{where}: has more fields than the first line ({','.join(surplus)[:60]!r} is too"
            " much); quote a field that holds a comma, and write numbers with a point"
        )
