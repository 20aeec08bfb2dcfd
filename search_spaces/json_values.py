"""JSON as it is read: a text becomes a value, and the value is checked with a schema."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import jsonschema

from search_spaces.errors import UserError

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("search_spaces", "lightning_modules", "deploy")  # whose folders `schemas` we know
_END = 150  # of a message, in characters
_LARGEST = sys.float_info.max


def parse_json(text: str) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: it is none, holds NaN or Infinity, or nests too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("brackets within brackets, too many to read") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def check_json(path: Path, value: Any, schema: dict[str, Any]) -> None:
    """Validate what was read from ``path``.

    Raises:
        UserError: it breaks the schema: the file, the field, and what is allowed there.
    """
    validator = Validator(schema)
    problem = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if problem is None:
        return
    kind, expected = _kind_of(value), schema.get("title")
    if kind is not None and expected is not None:
        raise UserError(f"{path}: is of the kind {kind}, expected {expected}; name the right file")
    raise UserError(f"{path}: field {problem.json_path}: {_brief(problem.message)}")


def _kind_of(value: Any) -> str | None:
    """Title of the kit's format that ``value`` satisfies; None if it is of none."""
    for package in _PACKAGES:
        for path in sorted((_ROOT / package / "schemas").glob("*.schema.json")):
            schema = json.loads(path.read_text(encoding="utf-8"))
            if Validator(schema).is_valid(value):
                return schema["title"]
    return None


def _brief(message: str) -> str:
    """A message whose middle, a value of any size, is left out where it is long."""
    return message if len(message) <= 2 * _END else f"{message[:_END]}...{message[-_END:]}"


def _items(validator: Any, items: Any, value: Any, schema: Any) -> Iterator[Any]:
    """The keyword `items`; thousands of samples are looked at in one go where they are plain."""
    if isinstance(items, dict) and items.get("type") == "number" and items.keys() <= _PLAIN:
        above, least = items.get("exclusiveMinimum", -math.inf), items.get("minimum", -math.inf)
        if isinstance(value, list) and all(
            type(number) in (float, int) and above < number <= _LARGEST and number >= least
            for number in value
        ):
            return
    yield from jsonschema.Draft202012Validator.VALIDATORS["items"](validator, items, value, schema)


def is_number(value: Any) -> bool:
    """Whether a value that was read is a number to compute with; 1e999 is read as infinite."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and abs(value) <= _LARGEST


def _is_integer(_: Any, value: Any) -> bool:
    """A number written as whole and of at most 64 bits, as what counts and measures by it needs."""
    plain = isinstance(value, int) and not isinstance(value, bool)
    return plain and -(2**63) <= value < 2**63


_PLAIN = {"type", "exclusiveMinimum", "minimum", "description"}
Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"items": _items},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": lambda _, value: is_number(value), "integer": _is_integer}
    ),
)
