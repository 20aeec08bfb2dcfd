"""What a search found, as `frontier.json` and `frontier.png` say it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.architecture import Architecture, from_indices
from search_spaces.budget import Indices, Prices
from search_spaces.cost import costs
from search_spaces.cost_fit import PRECISIONS, Quantity
from search_spaces.cost_table import CostTable
from search_spaces.frontier import save_weights
from search_spaces.judge import SubnetJudge
from search_spaces.pareto import non_dominated, spread
from search_spaces.plot import Point, WinnerPoint, plot_frontier

NO_TABLE = "no cost table was given"


def objective_axes(prices: Prices) -> list[str]:
    """The costs minimised beside the error: latency (MACs without a table), size, energy if known.

    MACs stand in for latency and are not minimised beside it: every objective more makes fewer nets
    comparable, and these two say much the same.
    """
    known = prices.of((0,) * len(prices.space.dimensions))
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


def name_of(prices: Prices, net: Indices) -> str:
    """A net's name in the files: ``net-`` and the digest of its architecture."""
    return f"net-{from_indices(prices.space, net).digest}"


def winner_record(
    out: Path, judge: SubnetJudge, prices: Prices, net: Indices, error: float
) -> dict[str, Any]:
    """Judge a winner finally and write its weights into ``out``; gives its entry in the file."""
    architecture = from_indices(prices.space, net)
    module, evaluation = judge.final(architecture)
    point = point_record(prices, net, error)
    file = f"weights/{point['name']}.pt"
    sha256 = save_weights(out / file, architecture, module, judge.supernet.num_outputs)
    return {
        **point,
        "level_error": evaluation.level_error.to_json(),
        "mae": evaluation.mae.to_json(),
        "exact_accuracy": evaluation.exact_accuracy.to_json(),
        "weights": {"file": file, "sha256": sha256},
    }


def point_record(prices: Prices, net: Indices, error: float) -> dict[str, Any]:
    """A net's entry among the points of the file."""
    architecture = from_indices(prices.space, net)
    cost = costs(architecture)
    point: dict[str, Any] = {
        "name": name_of(prices, net),
        "choices": dict(architecture.choices),
        "ranking_error": error,
        "params": cost.params,
        "macs": cost.macs,
        "frontend_macs": cost.frontend_macs,
        "peak_activation_bytes": cost.peak_activation_bytes,
    }
    table = prices.table
    latency = _predicted(table, "latency_ms", architecture)
    energy = _predicted(table, "energy_mj", architecture)
    point["predicted_latency_ms"] = latency
    if latency is None:
        point["predicted_latency_reason"] = NO_TABLE
    point["predicted_energy_mj"] = energy
    if energy is None:
        point["predicted_energy_reason"] = table.energy["reason"] if table else NO_TABLE
    return point


def _predicted(
    table: CostTable | None, quantity: Quantity, architecture: Architecture
) -> dict[str, float] | None:
    if table is None:
        return None
    return {
        precision: getattr(table, quantity)(architecture, precision)
        for precision in PRECISIONS
        if table.has(quantity, precision)
    } or None


def draw(
    path: Path,
    value: dict[str, Any],
    prices: Prices,
    axis: str,
    judged: dict[Indices, float],
    front: Sequence[Indices],
) -> None:
    """Draw the frontier.

    Args:
        path: of the picture.
        value: what `frontier.json` will hold.
        prices: cost of any net.
        axis: the cost to draw against.
        judged: ranking error of every net judged.
        front: the nets that no other beats.
    """
    cost = {name_of(prices, net): prices.of(net)[axis] for net in front}
    winners = [
        WinnerPoint(
            winner["name"],
            cost[winner["name"]],
            winner["ranking_error"],
            *(winner["level_error"][field] for field in ("value", "low", "high")),
        )
        for winner in value["winners"]
        if winner["level_error"]["value"] is not None
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
    )
