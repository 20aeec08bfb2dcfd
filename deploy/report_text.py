"""Numbers as the report writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from search_spaces.task import Metric

DASH = "\u2013"
ECE = "ECE before, after temperature"


def net_title(record: dict[str, Any]) -> str:
    """Name and precision of the net of an evaluation or a measurement."""
    return f"{record['bundle']['name']} {record['bundle']['precision']}"


def percent(estimate: dict[str, Any]) -> str:
    """A share with its interval; a dash where no clip settles it."""
    if estimate["value"] is None:
        return DASH
    value, low, high = (100 * estimate[key] for key in ("value", "low", "high"))
    return f"{value:.1f} % [{low:.1f}, {high:.1f}]"


def plain(estimate: dict[str, Any]) -> str:
    """A mean with its interval."""
    return "{value:.2f} [{low:.2f}, {high:.2f}]".format(**estimate)


def judged(metric: Metric, estimate: dict[str, Any]) -> str:
    """A figure of a task with its interval; a dash where no clip settles it."""
    if metric.unit == " %" or estimate["value"] is None:
        return percent(estimate)
    return plain(estimate)


def ece(metrics: dict[str, Any]) -> str:
    """The calibration error before and after the temperature; files of old have the second only."""
    before = metrics.get("ece_before_temperature")
    return f"{DASH if before is None else f'{before:.3f}'}, {metrics['ece']:.3f}"


def milliseconds(value: float | None) -> str:
    """A time; a dash where there is none."""
    return DASH if value is None else f"{value:#.3g}".rstrip(".") + " ms"


def kilobytes(value: float) -> str:
    """A size."""
    return f"{value / 1e3:.0f} kB"


def megabytes(value: float | None) -> str:
    """A size; a dash where there is none."""
    return DASH if value is None else f"{value / 1e6:.1f} MB"


def threads(number: int) -> str:
    """A number of threads."""
    return f"{number} thread" if number == 1 else f"{number} threads"


def place(measurement: dict[str, Any]) -> str:
    """Where it was measured, in short; `machine` has all."""
    return f"{measurement['device']['name']}, {threads(measurement['threads'])}"


def machine(measurement: dict[str, Any]) -> str:
    """What measured: figures of unlike machines are not shown beside each other."""
    device, build = measurement["device"], measurement["build"]
    return (
        f"{device['name']}, {device['os']}; {build['runtime']}, {build['backend']},"
        f" {threads(measurement['threads'])}"
    )


def by_reason(reasons: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Rows (figure, reason, nets) out of (net, figure, reason), one for each figure and reason."""
    nets: dict[tuple[str, str], set[str]] = {}
    for net, figure, reason in reasons:
        nets.setdefault((figure, reason), set()).add(net)
    return [
        (*key, min(names) if len(names) == 1 else f"{len(names)} nets")
        for key, names in nets.items()
    ]
