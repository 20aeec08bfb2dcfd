"""Where a net of a study errs: `groups.csv`, from what its evaluations say of parts of the test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ENDS = ("value", "low", "high")
_PLACE = ("row", "test_protocol", "precision", "by", "group", "clips")
GROUP_METRICS = {"counts": ("level_error", "mae"), "classes": ("error", "recall", "precision")}

_OTHERWISE = {"precision": "class_precision"}  # not that of the program's numbers


def column(metric: str, end: str) -> str:
    """Name of the column of an estimate's value, or of an end of its interval."""
    name = _OTHERWISE.get(metric, metric)
    return name if end == "value" else f"{name}_{end}"


GROUP_COLUMNS = {
    kind: (*_PLACE, *(column(metric, end) for metric in metrics for end in ENDS))
    for kind, metrics in GROUP_METRICS.items()
}


@dataclass(frozen=True)
class Judged:
    """One evaluation of a row: ``evaluation.json`` with rows, and what it was tested on."""

    protocol: str
    precision: str
    evaluation: dict[str, Any]


def groups_of(row_id: str, judged: Judged) -> Iterator[dict[str, Any]]:
    """The lines of `groups.csv` of one evaluation; what is not known of a test has none."""
    place = {"row": row_id, "test_protocol": judged.protocol, "precision": judged.precision}
    for by, group, item in _parts(judged.evaluation):
        line = {**place, "by": by, "group": group, "clips": item["clips"]}
        for metric in (name for names in GROUP_METRICS.values() for name in names if name in item):
            for end in ENDS:
                line[column(metric, end)] = figure_text(item[metric][end])
        yield line


def _parts(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """What the part is of, its name, and its figures."""
    for field, name in (("count", "count"), ("class", "name"), ("speaker", "name")):
        for item in evaluation.get(f"by_{field}", ()):
            yield field, str(item[name]), item
    for field in ("snr_db", "rt60_s"):
        for item in evaluation.get(f"by_{field}", ()):
            yield field, bounds_text(item), item
    for item in evaluation.get("by_sex", ()):
        yield "sex", item["sex"], item


def bounds_text(item: Mapping[str, Any]) -> str:
    """The ends of a bin, e.g. ``5 to 10``, ``below 5``."""
    low, high = item["low"], item["high"]
    if low is None:
        return f"below {high:g}"
    return f"{low:g} and more" if high is None else f"{low:g} to {high:g}"


def figure_text(value: float | None) -> str:
    """A figure in a CSV; nothing where there is none."""
    return "" if value is None else f"{value:.6g}"
