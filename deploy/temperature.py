"""One number that makes a net's probabilities honest.

Letters: N clips, K counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.25, 4.0


def fit_temperature(
    logits: NDArray[np.floating], lo: NDArray[np.int64], hi: NDArray[np.int64]
) -> float:
    """Temperature scaling (Guo et al. 2017, section 4.2) on labels that may be intervals.

    Args:
        logits: [N, K].
        lo, hi: labels [N]; a count in ``[lo, hi]`` is right.

    Returns:
        The divisor of the logits that minimises the negative log likelihood of the labels.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    values = np.asarray(logits, dtype=np.float64)
    counts = np.arange(values.shape[1])
    right = (counts >= lo[:, None]) & (counts <= hi[:, None])

    def loss(log_temperature: float) -> float:
        scaled = values / np.exp(log_temperature)
        inside = logsumexp(np.where(right, scaled, -np.inf), axis=1)
        return float((logsumexp(scaled, axis=1) - inside).mean())

    bounds = (np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def at_temperature(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """What count probabilities [N, K] would be had their logits been divided by ``temperature``."""
    scaled = np.log(np.maximum(probabilities, 1e-12)) / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)
