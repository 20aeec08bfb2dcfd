"""Several measurements in one table: whatever the nets are, they stand beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.bundle import MODEL_FILES, Bundle
from deploy.text_columns import aligned

HEADER = ("net", "space", "precision", "MB", "params", "MMAC", "ms (p50)", "validation")


def benchmark_table(rows: Sequence[tuple[Bundle, Mapping[str, Any]]]) -> str:
    """A row for each bundle with its measurement, fastest first.

    Args:
        rows: the bundle and what was measured of it, as `measurement.json` has it.
    """
    ordered = sorted(rows, key=lambda row: row[1]["latency_ms"]["p50"])
    return aligned([HEADER, *(_cells(bundle, measured) for bundle, measured in ordered)], left=3)


def _cells(bundle: Bundle, measured: Mapping[str, Any]) -> tuple[str, ...]:
    precision = measured["bundle"]["precision"]
    manifest, headline = bundle.manifest, bundle.task.headline
    error = manifest["precisions"][precision]["validation"][headline.key]["value"]
    return (
        bundle.name,
        manifest["architecture"]["space"],
        precision,
        f"{manifest['files'][MODEL_FILES[precision]]['bytes'] / 1e6:.3f}",
        f"{manifest['costs']['params']:,}",
        f"{manifest['costs']['macs'] / 1e6:.1f}",
        f"{measured['latency_ms']['p50']:.3f}",
        "unknown" if error is None else f"{headline.title} {headline.text(error)}",
    )
