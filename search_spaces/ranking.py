"""The statistic that ranks subnets while searching: smooth, and indifferent to overconfidence.

Letters: N clips, K counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from search_spaces.ambiance import AmbianceLevels
from search_spaces.metrics import expected_level_error, true_level_probability

TEMPERATURES = (0.2, 5.0)


def ranking_error(
    probabilities: ArrayLike, lo: ArrayLike, hi: ArrayLike, levels: AmbianceLevels | None = None
) -> float:
    """Expected level error of count probabilities [N, K] at the best temperature.

    The level error itself moves in steps of a clip. The expected one is smooth, but as it stands it
    prefers nets that are sure of themselves over nets that are right; the temperature (Guo et al.
    2017, section 4.2), which lowering sets anyway, takes that away (docs/search.md has figures).

    Raises:
        UserError: as `metrics.evaluate`, or no clips at all.
    """
    levels = levels or AmbianceLevels()
    values = np.asarray(probabilities, dtype=np.float64)

    def loss(log_temperature: float) -> float:
        scaled = at_temperature(values, np.exp(log_temperature))
        right = true_level_probability(scaled, lo, hi, levels)
        return float(-np.log(np.maximum(right, 1e-12)).mean())

    found = optimize.minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return expected_level_error(at_temperature(values, np.exp(found.x)), lo, hi, levels)


def at_temperature(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """What count probabilities [N, K] would be had their logits been divided by ``temperature``."""
    scaled = np.log(np.maximum(probabilities, 1e-12)) / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)
