"""Predict what a net costs on a device from the sums of its layers' features.

A runtime executes one operator after the other, so a net's cost is close to a sum over its layers,
and a layer's cost is close to a sum of what it computes, what it moves and what starting it takes
(kernel-wise prediction as in nn-Meter, Zhang et al., MobiSys 2021, section 3, with a linear model
per kernel). All shares are non-negative: a net with more work never gets cheaper by it.

Letters: N measured nets, F features.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from search_spaces.cost import Layer
from search_spaces.errors import UserError

TOLERANCE = 0.10  # a prediction within 10 % of the measured figure counts as right
_TILE = 16  # output channels that a matrix kernel computes at once; a part of a tile costs it whole
_HUBER = 0.05  # relative residuals above 5 % lose weight: bursts of other load on the machine
_ROUNDS = 12
_RIDGE = 1e-4

Features = Mapping[str, float]


class HeldOut(NamedTuple):
    """How well predictions meet the measurements of nets that the fit has not seen."""

    subnets: int
    within_10_percent: float
    spearman: float | None
    median_relative_error: float
    p95_relative_error: float


def layer_features(layers: Sequence[Layer]) -> dict[str, float]:
    """Sum the features of ``layers``; a feature is named ``<kind>.<what>``.

    Depthwise kernels of different sizes are different kernels of the runtime, so each is a kind.
    """
    total: defaultdict[str, float] = defaultdict(float)
    for layer in layers:
        kind = layer.kind
        if kind == "depthwise":
            kind = f"depthwise{layer.kernel[0]}x{layer.kernel[1]}"
        total[f"{kind}.operators"] += 1
        total[f"{kind}.inputs"] += layer.input_elements
        total[f"{kind}.outputs"] += layer.output_elements
        if layer.macs:
            total[f"{kind}.macs"] += layer.macs
            tiles = -(-layer.out_channels // _TILE)
            total[f"{kind}.tiled_macs"] += layer.macs * tiles * _TILE / layer.out_channels
        if layer.weight_elements:
            total[f"{kind}.weights"] += layer.weight_elements
    return dict(total)


def fit_costs(rows: Sequence[Features], costs: Sequence[float]) -> dict[str, float]:
    """Fit non-negative coefficients so that ``features . coefficients`` is close to ``costs``.

    Relative errors count, so that small nets are predicted as well as large ones. A net whose
    measurement was disturbed is given less weight (Huber 1964, by iterated reweighting).

    Args:
        rows: features of N measured nets; one that is missing in a row is 0 there.
        costs: N measured figures, above 0.

    Raises:
        UserError: no nets.
    """
    if not rows:
        raise UserError("cost table: got 0 measured nets to fit, expected at least one")
    names = sorted({name for row in rows for name in row})
    measured = np.asarray(costs, dtype=np.float64)
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in rows])  # [N, F]
    relative = matrix / measured[:, None]
    scale = np.sqrt((relative**2).mean(axis=0))
    scale[scale == 0] = 1.0
    relative /= scale
    ridge = np.sqrt(_RIDGE) * np.eye(len(names))
    weights = np.ones(len(measured))
    for _ in range(_ROUNDS):
        left = np.vstack([relative * weights[:, None], ridge])
        right = np.concatenate([weights, np.zeros(len(names))])
        solution, _residual = optimize.nnls(left, right, maxiter=50 * len(names))
        residual = np.abs(relative @ solution - 1.0)
        weights = np.sqrt(np.minimum(1.0, _HUBER / np.maximum(residual, 1e-12)))
    return {name: float(value) for name, value in zip(names, solution / scale, strict=True)}


def predict_cost(features: Features, coefficients: Features) -> float:
    """Cost of a net with ``features``.

    Raises:
        UserError: a feature that the coefficients do not know: such a layer was never measured.
    """
    unknown = sorted(name for name in features if name not in coefficients)
    if unknown:
        raise UserError(
            f"cost table: no measured net had {unknown[0]!r}; measure more nets of this space"
        )
    return sum(value * coefficients[name] for name, value in features.items())


def judge_predictions(
    predicted: Sequence[float] | NDArray[np.float64], measured: Sequence[float]
) -> HeldOut:
    """Compare N >= 2 predictions with measurements."""
    truth = np.asarray(measured, dtype=np.float64)
    guess = np.asarray(predicted, dtype=np.float64)
    off = np.abs(guess - truth) / truth
    varied = np.ptp(truth) > 0 and np.ptp(guess) > 0
    return HeldOut(
        subnets=len(truth),
        within_10_percent=float((off <= TOLERANCE).mean()),
        spearman=float(stats.spearmanr(guess, truth).statistic) if varied else None,
        median_relative_error=float(np.median(off)),
        p95_relative_error=float(np.quantile(off, 0.95)),
    )
