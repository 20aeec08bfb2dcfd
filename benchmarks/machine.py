"""The machine, the versions and the day of a benchmark, and the one way to write its result."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from search_spaces.files import write_json
from search_spaces.processor import processor_name, usable_cores

RESULTS_FOLDER = Path("docs/results")
PACKAGES = ("torch", "executorch", "torchao", "nni", "lightning", "numpy", "pymoo")


def package_versions() -> dict[str, str | None]:
    """Installed version of each of `PACKAGES`, None for one that is not installed."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


def describe_machine() -> dict[str, Any]:
    """What every result carries: processor, cores, system, Python, versions, UTC date."""
    return {
        "cpu": processor_name(),
        "cores": usable_cores(),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": package_versions(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def figure(
    name: str, value: float | None, unit: str, target: str | None = None, reason: str | None = None
) -> dict[str, Any]:
    """One row of the table of figures.

    Args:
        name: what was measured, in words.
        value: the figure; None when it could not be measured, and then ``reason`` says why.
        unit: e.g. ``ms``, ``%``, ``kB``; empty for a ratio.
        target: the goal in words, e.g. ``< 1.5 ms``; None without a goal.

    Raises:
        ValueError: ``value`` is None without a reason, or given with one.
    """
    if (value is None) == (reason is None):
        raise ValueError(f"figure {name!r}: give either a value or a reason, got {value!r}")
    return {"name": name, "value": value, "unit": unit, "target": target, "reason": reason}


def write_result(
    benchmark: str,
    command: str,
    figures: list[dict[str, Any]],
    details: dict[str, Any] | None = None,
    out: Path | None = None,
) -> Path:
    """Write ``docs/results/<benchmark>.json``, which ``python -m benchmarks.summary`` reads.

    Args:
        benchmark: short name, the file's stem.
        command: the one command that produced the figures.
        figures: rows made by :func:`figure`.
        details: anything else worth keeping (samples, settings).
        out: another place for the file.

    Returns:
        The path of the file written.
    """
    path = out or RESULTS_FOLDER / f"{benchmark}.json"
    result = {
        "benchmark": benchmark,
        "command": command,
        "machine": describe_machine(),
        "figures": figures,
        "details": details or {},
    }
    write_json(path, result)
    return path
