"""One number for how good a whole frontier is: the hypervolume that it dominates under its budget.

Zitzler & Thiele 1999. The box runs from nothing to the error of a blind net and to the budget's
limits (where there is none, to what the largest net of the space costs), so 0 is no net within the
budget and 1 a faultless net that costs nothing. Letters: P points, A cost axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pymoo.indicators.hv import Hypervolume

from search_spaces.architecture import largest
from search_spaces.budget import Prices
from search_spaces.task_json import read_task


def volume_limits(
    prices: Prices, axes: Sequence[str], limits: Mapping[str, float]
) -> dict[str, float]:
    """The far corner of the box on each cost axis: the budget's limit or the largest net's cost."""
    dearest = prices.of(tuple(largest(prices.space).indices(prices.space)))
    return {axis: limits.get(axis, dearest[axis]) for axis in axes}


def dominated_volume(
    errors: Sequence[float], costs: Sequence[Mapping[str, float]], corner: Mapping[str, float]
) -> float:
    """The share of the box that nets of these errors [P] and costs [P] dominate, in [0, 1].

    Args:
        errors: as shares of a blind net's (`Task.blind_error`).
        costs: of the same nets, by axis.
        corner: far corner of the box, by axis [A]; a net beyond it counts for nothing.
    """
    points = np.array(
        [
            [error, *(cost[axis] / limit for axis, limit in corner.items())]
            for error, cost in zip(errors, costs, strict=True)
        ],
        dtype=np.float64,
    ).reshape(-1, 1 + len(corner))
    inside = points[(points < 1.0).all(axis=1)]
    if not len(inside):
        return 0.0
    return float(Hypervolume(ref_point=np.ones(points.shape[1]))(inside))


def frontier_volume(frontier: Mapping[str, Any], corner: Mapping[str, float]) -> float:
    """`dominated_volume` of all points of a `frontier.json`, by their ranking errors."""
    precision = frontier["budget"]["precision"]
    points, blind_error = frontier["points"], read_task(frontier).blind_error
    return dominated_volume(
        [point["ranking_error"] / blind_error for point in points],
        [{axis: _cost(point, axis, precision) for axis in corner} for point in points],
        corner,
    )


def _cost(point: Mapping[str, Any], axis: str, precision: str) -> float:
    if axis in ("latency_ms", "energy_mj"):
        return point[f"predicted_{axis}"][precision]
    return point[axis]
