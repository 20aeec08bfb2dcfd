"""The report's figures of errors and labels, from an evaluation and from `labels.csv`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from deploy.report_svg import Chart, category_axis, heatmap, linear_axis
from lightning_modules.labels import Label

_METRICS = {"level_error": ("level error (%)", 100.0), "mae": ("MAE of the count (people)", 1.0)}


@dataclass(frozen=True)
class Figure:
    """A picture with its caption; the legend pairs a colour's class with what it stands for."""

    svg: Markup
    caption: str
    legend: tuple[tuple[str, str], ...] = ()


def confusion_figures(evaluation: dict[str, Any]) -> list[Figure]:
    """Confusion of levels and of counts."""
    names = evaluation["levels"]["names"]
    counts = [str(count) for count in range(len(evaluation["count_confusion"]))]
    figures = []
    for matrix, labels, what in (
        (evaluation["level_confusion"], names, "level"),
        (evaluation["count_confusion"], counts, "count"),
    ):
        right = sum(matrix[at][at] for at in range(len(matrix)))
        total = sum(map(sum, matrix))
        alt = f"Confusion of {what}s: {right} of {total} clips on the diagonal"
        figures.append(
            Figure(
                heatmap(matrix, labels, what, alt),
                f"Clips by true and said {what}; a cell's shade is its share of the row.",
            )
        )
    return figures


def error_by_count_figures(evaluation: dict[str, Any]) -> list[Figure]:
    """Level error and MAE against the true count."""
    rows = evaluation["by_count"]
    names = [str(row["count"]) for row in rows]
    return [_by_category(rows, names, "true count (people)", metric) for metric in _METRICS]


def error_by_bin_figures(
    rows: Sequence[dict[str, Any]], label: str, metrics: Sequence[str] = ("level_error",)
) -> list[Figure]:
    """Error against binned SNR, reverberation time or input level."""
    names = [_bin_name(row["low"], row["high"]) for row in rows]
    return [_by_category(rows, names, label, metric) for metric in metrics]


def gives_several(evaluation: dict[str, Any]) -> bool:
    """Whether it is of several classes at once, so that every yes and no is an answer."""
    return bool(evaluation.get("task", {}).get("several"))


def calibration_figures(evaluation: dict[str, Any]) -> list[Figure]:
    """Reliability diagram (Guo et al. 2017, section 2), and how often each probability is given."""
    bins = evaluation["calibration"]
    unit = "answers" if gives_several(evaluation) else "clips"
    ticks = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    axis = linear_axis("probability that the net gave its answer (%)", ticks)
    chart = Chart(axis, linear_axis("share that was right (%)", ticks))
    chart.line([(0, 0), (100, 100)], "faint")
    most = max(row["clips"] for row in bins)
    places = [(100 * row["confidence"], 100 * row["accuracy"]) for row in bins]
    for row, place in zip(bins, places, strict=True):
        note = f"{row['clips']} {unit}: said {place[0]:.0f} %, right {place[1]:.0f} %"
        chart.points([place], "c1", [note], 3 + 8 * (row["clips"] / most) ** 0.5)
    ece = evaluation["metrics"]["ece"]
    said = "; ".join(f"said {said:.0f} %, right {right:.0f} %" for said, right in places)
    often = Chart(axis, linear_axis(unit, [most]))
    often.bars(
        [(100 * row["low"], 100 * row["high"], 0, row["clips"]) for row in bins],
        "c1",
        [f"{row['clips']} {unit}" for row in bins],
    )
    return [
        Figure(
            chart.svg(f"Reliability diagram, expected calibration error {ece:.3f}: {said}"),
            f"Expected calibration error {ece:.3f}. On the diagonal a probability means what it"
            f" says; a dot's area is its number of {unit}.",
            (("c1", f"a bin of {unit}"), ("faint", "perfect calibration")),
        ),
        Figure(
            often.svg(f"Histogram of the probability given to the answer, {most} {unit} at most"),
            "How often the net gives each probability to the answer that it says.",
        ),
    ]


def labels_figure(labels: Sequence[Label]) -> Figure:
    """Labelled clips by count and use, stacked."""
    counted = Counter((row.lo, row.hi, row.use) for row in labels)
    spans = sorted({(row.lo, row.hi) for row in labels})
    names = [str(lo) if lo == hi else f"{lo}-{hi}" for lo, hi in spans]
    totals = [counted[*span, "train"] + counted[*span, "validation"] for span in spans]
    chart = Chart(category_axis("labelled count (people)", names), linear_axis("clips", totals))
    train = [counted[*span, "train"] for span in spans]
    for style, use, bases, tops in (
        ("c1", "training", [0] * len(spans), train),
        ("c2", "validation", train, totals),
    ):
        chart.bars(
            [
                (at - 0.35, at + 0.35, *ends)
                for at, ends in enumerate(zip(bases, tops, strict=True))
            ],
            style,
            [
                f"{name}: {top - base} for {use}"
                for name, base, top in zip(names, bases, tops, strict=True)
            ],
        )
    return Figure(
        chart.svg(
            f"{len(labels)} labelled clips: {sum(train)} for training,"
            f" {len(labels) - sum(train)} for validation"
        ),
        "Labelled clips by their label. Unlabelled clips are free, test clips are not looked at"
        " before the end, so neither is counted.",
        (("c1", "training"), ("c2", "validation")),
    )


def _by_category(
    rows: Sequence[dict[str, Any]],
    names: list[str],
    x_label: str,
    metric: str,
) -> Figure:
    y_label, scale = _METRICS[metric]
    estimates = [row[metric] for row in rows]
    chart = Chart(
        category_axis(x_label, names), linear_axis(y_label, [scale * e["high"] for e in estimates])
    )
    chart.intervals(
        [(at, scale * e["low"], scale * e["high"]) for at, e in enumerate(estimates)], "c1"
    )
    chart.line([(at, scale * e["value"]) for at, e in enumerate(estimates)], "c1")
    values = [
        f"{name}: {scale * e['value']:.3g} [{scale * e['low']:.3g}, {scale * e['high']:.3g}]"
        for name, e in zip(names, estimates, strict=True)
    ]
    notes = [f"{v}, {e['clips']} clips" for v, e in zip(values, estimates, strict=True)]
    chart.points([(at, scale * e["value"]) for at, e in enumerate(estimates)], "c1", notes)
    return Figure(
        chart.svg(f"{y_label} by {x_label}. {'; '.join(values)}"),
        f"{y_label[0].upper()}{y_label[1:]} by {x_label}, with 95 % intervals.",
    )


def _bin_name(low: float | None, high: float | None) -> str:
    low_text, high_text = (
        "" if edge is None else f"{edge:g}".replace("-", "\u2212") for edge in (low, high)
    )
    if low is None:
        return f"< {high_text}"
    return f"\u2265 {low_text}" if high is None else f"{low_text} to {high_text}"
