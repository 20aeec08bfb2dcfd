"""`measurement.json`: written and read, and which two of them may be compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.errors import UserError
from search_spaces.files import load_schema, read_json, write_json

SCHEMA_VERSION = 1
SCHEMA = load_schema(Path(__file__).parent / "schemas", "measurement")
MIN_RUNS = 200
# What must be equal for a ratio of two latencies to say something of the nets.
_ALIKE = ("device", "build", "conditions.governor", "threads")


def latency_summary(samples_ms: Sequence[float]) -> dict[str, Any]:
    """Every sample with its percentiles, as the schema's ``latency``."""
    percentiles = np.percentile(samples_ms, (50, 90, 99))
    return {
        "samples": [round(sample, 6) for sample in samples_ms],
        **dict(zip(("p50", "p90", "p99"), map(float, percentiles), strict=True)),
    }


def figure(value: Any, reason: str | None = None) -> dict[str, Any]:
    """A value, or null with the reason why it could not be measured."""
    return {"value": value, "reason": None if value is not None else reason}


def write_measurement(path: Path, measurement: dict[str, Any]) -> None:
    """Write a measurement atomically; ``measurement`` satisfies the schema but for its version."""
    write_json(path, {"schema_version": SCHEMA_VERSION, **measurement}, SCHEMA)


def read_measurement(path: Path) -> dict[str, Any]:
    """Read and validate a measurement.

    Raises:
        UserError: missing, not JSON, or a field against the schema.
    """
    return read_json(path, SCHEMA)


def comparable(a: dict[str, Any], b: dict[str, Any]) -> None:
    """Refuse to compare measurements of unlike machines, builds, governors or threads.

    Raises:
        UserError: naming the first field that differs and both values.
    """
    for path in _ALIKE:
        difference = _difference(path, _field(a, path), _field(b, path))
        if difference is not None:
            name, first, second = difference
            raise UserError(
                f"measurements cannot be compared: {name} is {first!r} in one and {second!r} in the"
                " other; measure both on one machine with one build and one number of threads"
            )


def _field(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value[key]
    return value


def _difference(path: str, a: Any, b: Any) -> tuple[str, Any, Any] | None:
    """The first leaf below ``path`` that differs, and its two values."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            found = _difference(f"{path}.{key}", a.get(key), b.get(key))
            if found is not None:
                return found
        return None
    return None if a == b else (path, a, b)
