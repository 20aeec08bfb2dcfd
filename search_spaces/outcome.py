"""What a search found, as `frontier.json` and `frontier.png` say it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.budget import Indices, Prices
from search_spaces.errors import UserError
from search_spaces.pareto import non_dominated, spread
from search_spaces.plot import Point, WinnerPoint, plot_frontier
from search_spaces.records import name_of
from search_spaces.task import Task


def objective_axes(prices: Prices, wanted: Sequence[str] = ()) -> list[str]:
    """The costs minimised beside the error: latency (MACs without a table), size, energy if known.

    MACs stand in for latency and are not minimised beside it: every objective more makes fewer nets
    comparable, and these two say much the same.

    Args:
        prices: cost of any net.
        wanted: these costs instead, the first of them against which the frontier is drawn.

    Raises:
        UserError: a cost that is not known.
    """
    known = prices.of((0,) * len(prices.space.dimensions))
    for axis in wanted:
        if axis not in known:
            raise UserError(f"--minimise {axis}: is not known; what is: {', '.join(known)}")
    if wanted:
        return list(dict.fromkeys(wanted))
    first = "latency_ms" if "latency_ms" in known else "macs"
    return [first, "params", *(["energy_mj"] if "energy_mj" in known else [])]


def choose(
    prices: Prices, axes: Sequence[str], judged: dict[Indices, float], number: int
) -> tuple[list[Indices], list[Indices]]:
    """The nets that no other beats, cheapest first, and at most ``number`` winners, best first."""
    nets = list(judged)
    points = np.array([[judged[net], *(prices.of(net)[axis] for axis in axes)] for net in nets])
    front = sorted(non_dominated(points), key=lambda i: (points[i, 1], points[i, 0]))
    chosen = spread(points[front], number)
    return [nets[i] for i in front], [nets[front[i]] for i in chosen]


def draw(
    path: Path,
    value: dict[str, Any],
    task: Task,
    prices: Prices,
    axis: str,
    judged: dict[Indices, float],
    front: Sequence[Indices],
) -> None:
    """Draw the frontier.

    Args:
        path: of the picture.
        value: what `frontier.json` will hold.
        task: by which it judges.
        prices: cost of any net.
        axis: the cost to draw against.
        judged: ranking error of every net judged.
        front: the nets that no other beats.
    """
    headline = task.headline
    cost = {name_of(prices, net): prices.of(net)[axis] for net in front}
    winners = [
        WinnerPoint(
            winner["name"],
            cost[winner["name"]],
            winner["ranking_error"],
            *(winner[headline.key][field] for field in ("value", "low", "high")),
        )
        for winner in value["winners"]
        if winner[headline.key]["value"] is not None
    ]
    plot_frontier(
        path,
        axis,
        prices.precision,
        [Point(prices.of(net)[axis], error) for net, error in judged.items()],
        [Point(prices.of(net)[axis], judged[net]) for net in front],
        winners,
        value["best"],
        value["budget"][f"max_{axis}"],
        headline.title,
    )
