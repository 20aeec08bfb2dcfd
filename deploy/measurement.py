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
_ALIKE = ("device", "build", "conditions.governor", "conditions.power_save", "threads")
# A phone that begins warmer slows down sooner: its battery may differ by so much.
ALIKE_WITHIN_C = 5.0
_COOL = (None, "none", "light")


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
    """Refuse to compare measurements of unlike machines, builds, governors, threads or heat.

    Raises:
        UserError: naming the first field that differs and both values, or what ran too hot.
    """
    for path in _ALIKE:
        difference = _difference(path, _field(a, path), _field(b, path))
        if difference is not None:
            name, first, second = difference
            raise UserError(
                f"measurements cannot be compared: {name} is {first!r} in one and {second!r} in the"
                " other; measure both on one machine with one build and one number of threads"
            )
    _check_heat(a, b)


def _check_heat(*measurements: dict[str, Any]) -> None:
    """Refuse a phone that was hot, or cool once and warm once; a host has no such record."""
    heats = [measurement["conditions"].get("heat") for measurement in measurements]
    for measurement, heat in zip(measurements, heats, strict=True):
        if heat is None:
            continue
        status = heat["worst_thermal_status"]["value"]
        if heat["gate_timed_out"] or status not in _COOL:
            why = (
                "began before the phone had cooled down"
                if heat["gate_timed_out"]
                else f"reached thermal status {status!r}"
            )
            raise UserError(
                f"measurements cannot be compared: {measurement['bundle']['name']}"
                f" {measurement['bundle']['precision']} {why}; let it cool and measure again"
            )
    celsius = [m["conditions"]["temperature_before_c"]["value"] for m in measurements]
    if None not in heats and None not in celsius and abs(celsius[0] - celsius[1]) > ALIKE_WITHIN_C:
        raise UserError(
            f"measurements cannot be compared: the battery began at {celsius[0]:g} °C in one and"
            f" {celsius[1]:g} °C in the other, allowed are {ALIKE_WITHIN_C:g} °C; measure both"
            " after the same rest"
        )


def _field(value: Any, path: str) -> Any:
    """The field, None where an optional one is absent."""
    for key in path.split("."):
        value = value.get(key)
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
