"""The report's figures of costs: what the search found, and what was measured of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from deploy.report_figures import Figure
from deploy.report_svg import Chart, linear_axis, log_axis
from deploy.report_text import percent
from search_spaces.frontier import Frontier

HISTOGRAM_BINS = 40
STYLES = {"fp32": "c2", "int8": "c1"}


class Measured(NamedTuple):
    """A net of the run with its measured latency and the headline error of its task."""

    name: str
    precision: str
    latency_ms: float
    error: dict[str, Any]  # with its interval


def search_figure(frontier: Frontier) -> Figure:
    """Expected validation error over predicted latency, or over MACs without a cost table."""
    precision = frontier.budget["precision"]
    points = frontier.points
    winners = frontier.raw["winners"]
    nets = [*points, *winners]
    by_latency = all(precision in (net["predicted_latency_ms"] or {}) for net in nets)

    def cost(net: dict[str, Any]) -> float:
        return net["predicted_latency_ms"][precision] if by_latency else net["macs"] / 1e6

    label = f"predicted latency, {precision} (ms per clip)" if by_latency else "MACs (millions)"
    chart = Chart(
        linear_axis(label, [cost(net) for net in nets]),
        linear_axis(frontier.task.score, [net["ranking_error"] for net in nets], low=None),
    )
    for group, style, radius in ((points, "faint", 3.5), (winners, "c1", 6)):
        chart.points(
            [(cost(net), net["ranking_error"]) for net in group],
            style,
            [_net_note(net) for net in group],
            radius,
        )
    limit = frontier.budget["max_latency_ms"]
    if by_latency and limit is not None and limit <= chart.x.high:
        chart.rule(limit, f"budget {limit:g} ms", "c3")
    best, score = frontier.best, frontier.task.score.removesuffix(" (people)")
    alt = (
        f"{score[0].upper()}{score[1:]} against {label} of {len(points)} nets that no other beats;"
        f" the best of {len(winners)} winners, {best.name}, has"
        f" {best.ranking_error:.3f} at {cost(_record(winners, best.name)):.3g}"
    )
    return Figure(
        chart.svg(alt),
        f"What the search found on the validation clips. {_meaning(frontier, score)}",
        (("c1", "winners"), ("faint", "other nets that none beats")),
    )


def shipped_figure(nets: Sequence[Measured], title: str, clips: str, machine: str) -> Figure:
    """Headline error, a share called ``title``, over latency measured on one machine."""
    chart = Chart(
        linear_axis("measured latency, median (ms per clip)", [net.latency_ms for net in nets]),
        linear_axis(f"{title} (%)", [100 * net.error["high"] for net in nets]),
    )
    for net in nets:
        style, error = STYLES[net.precision], net.error
        note = f"{net.name} {net.precision}: {percent(error)}, {net.latency_ms:.3g} ms"
        interval = (net.latency_ms, 100 * error["low"], 100 * error["high"])
        chart.intervals([interval], style)
        chart.points([(net.latency_ms, 100 * error["value"])], style, [note], 6)
    alt = "; ".join(
        f"{net.name} {net.precision}: {100 * net.error['value']:.1f} % at {net.latency_ms:.3g} ms"
        for net in nets
    )
    return Figure(
        chart.svg(f"{title.capitalize()} against measured latency. {alt}"),
        f"What was shipped: {title} on the {clips} clips, with its 95 % interval, against the"
        f" latency measured on {machine}.",
        tuple((STYLES[p], p) for p in sorted({net.precision for net in nets})),
    )


def latency_figure(
    title: str, samples_ms: Sequence[float], percentiles_ms: dict[str, float]
) -> Figure:
    """Histogram of every latency sample, with its percentiles."""
    samples = np.asarray(samples_ms, dtype=np.float64)
    # A tail of a loaded machine would squeeze the rest into one bar; the caption still counts it.
    tail = max(float(np.quantile(samples, 0.995)), percentiles_ms["p99"])
    shown_to = min(1.02 * tail, 3.0 * percentiles_ms["p50"])
    beyond = int((samples > shown_to).sum())
    shown = samples[samples <= shown_to]
    runs, edges = np.histogram(shown, bins=HISTOGRAM_BINS)
    chart = Chart(
        linear_axis("latency (ms per clip)", edges.tolist(), low=None),
        linear_axis("runs", runs.tolist()),
    )
    chart.bars(
        [(low, high, 0, n) for low, high, n in zip(edges[:-1], edges[1:], runs, strict=True)],
        "c1",
        [f"{n} runs from {low:.4g} ms" for low, n in zip(edges[:-1], runs, strict=True)],
    )
    for row, (name, value) in enumerate(percentiles_ms.items()):
        if value <= chart.x.high:
            chart.rule(value, f"{name} {value:.3g} ms", "c3", row)
    figures = ", ".join(f"{name} {value:.3g} ms" for name, value in percentiles_ms.items())
    slower = f"; {beyond} runs slower than the picture shows" if beyond else ""
    return Figure(
        chart.svg(f"Latency of {title}, {len(samples)} runs: {figures}"),
        f"{title}, {len(samples)} runs: {figures}{slower}.",
    )


def predicted_figure(pairs: Sequence[tuple[str, str, float, float]], title: str) -> Figure:
    """Measured over predicted latency: (name, precision, predicted ms, measured ms)."""
    values = [value for pair in pairs for value in pair[2:]]
    chart = Chart(log_axis("predicted (ms)", values), log_axis("measured (ms)", values))
    low, high = chart.x.low, chart.x.high
    chart.line([(low, low), (high, high)], "faint")
    for factor in (0.9, 1.1):
        ends = [max(low, low / factor), min(high, high / factor)]
        chart.line([(end, end * factor) for end in ends], "faint dashed")
    for name, precision, predicted, measured in pairs:
        note = f"{name} {precision}: predicted {predicted:.3g} ms, measured {measured:.3g} ms"
        chart.points([(predicted, measured)], STYLES[precision], [note], 4)
    near = sum(abs(predicted / measured - 1) <= 0.1 for *_, predicted, measured in pairs)
    text = f"{near} of {len(pairs)} predictions within 10 % of the measured latency"
    return Figure(
        chart.svg(f"{title}: {text}"),
        f"{title}: {text} (dashed).",
        tuple((STYLES[p], p) for p in sorted({pair[1] for pair in pairs})),
    )


def _meaning(frontier: Frontier, score: str) -> str:
    if not frontier.task.probabilistic:
        return f"It ranked nets by the {score}."
    return (
        f"The {score} is the error with what the net doubts taken into account: smooth, so that it"
        " can rank nets."
    )


def _net_note(net: dict[str, Any]) -> str:
    return (
        f"{net['name']}: {net['ranking_error']:.3f}, {net['params'] / 1e3:.1f} k"
        f" parameters, {net['macs'] / 1e6:.1f} MMAC"
    )


def _record(winners: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(winner for winner in winners if winner["name"] == name)
