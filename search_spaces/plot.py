"""`frontier.png`: ranking error against cost, every net judged, the frontier and the winners."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from search_spaces.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COST_LABELS = {
    "latency_ms": "predicted latency of a clip, {precision} (ms)",
    "macs": "multiply-accumulates of a clip (millions)",
    "params": "parameters (thousands)",
    "energy_mj": "predicted energy of a clip, {precision} (mJ)",
}
COST_SCALES = {"latency_ms": 1.0, "macs": 1e-6, "params": 1e-3, "energy_mj": 1.0}


class Point(NamedTuple):
    """One net in the plot."""

    cost: float  # on the axis plotted, in the unit of the budget
    ranking_error: float


class WinnerPoint(NamedTuple):
    """A winner in the plot, and its error with the interval."""

    name: str
    cost: float
    ranking_error: float
    error: float
    low: float
    high: float


def plot_frontier(
    path: Path,
    axis: str,
    precision: str,
    judged: Sequence[Point],
    frontier: Sequence[Point],
    winners: Sequence[WinnerPoint],
    best: str,
    limit: float | None,
    error_title: str,
) -> None:
    """Draw `frontier.png` and write it atomically.

    Args:
        path: where.
        axis: cost on the x axis, one of `COST_LABELS`.
        precision: named beside predicted costs.
        judged: every net that was judged.
        frontier: those that no other beats.
        winners: those with weights.
        best: name of the best one.
        limit: the budget on ``axis``.
        error_title: what the winners' error is called.
    """
    from matplotlib.figure import Figure

    scale = COST_SCALES[axis]
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    _scatter(axes, judged, scale, color="0.8", s=14, label=f"{len(judged)} subnets")
    line = sorted(frontier)
    _scatter(
        axes, line, scale, color="tab:blue", s=22, label="of these, not beaten in any objective"
    )
    _scatter(
        axes,
        winners,
        scale,
        color="tab:orange",
        marker="D",
        s=40,
        label=f"winners: {error_title}, 95 % interval",
    )
    farthest = max((point.cost for point in judged), default=0.0)
    for number, winner in enumerate(sorted(winners, key=lambda winner: winner.cost)):
        leftwards = winner.cost > 0.7 * farthest  # a name beside the edge stays within the picture
        axes.annotate(
            _note(winner, best),
            (winner.cost * scale, winner.ranking_error),
            xytext=(-6 if leftwards else 6, 6 + 11 * (number % 3)),  # neighbours overlap less
            textcoords="offset points",
            ha="right" if leftwards else "left",
            fontsize=8,
        )
    if limit is not None:
        axes.axvline(limit * scale, color="tab:red", linestyle="--", label="budget")
    axes.set_xlabel(COST_LABELS[axis].format(precision=precision))
    axes.set_ylabel("ranking error on validation clips")
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)


def _note(winner: WinnerPoint, best: str) -> str:
    name = f"{winner.name} (best)" if winner.name == best else winner.name
    error, low, high = (f"{100 * x:.0f}" for x in (winner.error, winner.low, winner.high))
    return f"{name}\n{error} % [{low}, {high}]"


def _scatter(axes: Axes, points: Sequence[Point | WinnerPoint], scale: float, **style: Any) -> None:
    axes.scatter(
        [point.cost * scale for point in points],
        [point.ranking_error for point in points],
        **style,
    )
