"""One number that makes a net's probabilities honest.

Letters: N clips, K outputs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.25, 4.0


def fit_temperature(
    logits: NDArray[np.floating],
    lo: NDArray[np.int64],
    hi: NDArray[np.int64],
    several: bool = False,
) -> float:
    """Temperature scaling (Guo et al. 2017, section 4.2) on labels as tasks have them.

    Args:
        logits: [N, K].
        lo, hi: labels [N], or [N, K] where several outputs may be right.
        several: whether they may.

    Returns:
        The divisor of the logits that minimises the negative log likelihood of the labels.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    values = np.asarray(logits, dtype=np.float64)
    if not several:
        outputs = np.arange(values.shape[1])
        right = (outputs >= lo[:, None]) & (outputs <= hi[:, None])

    def loss(log_temperature: float) -> float:
        scaled = values / np.exp(log_temperature)
        if several:  # logistic loss of the outputs that are known
            return float(
                (np.logaddexp(0.0, np.where(lo == 1, -scaled, scaled)) * (lo == hi)).mean()
            )
        inside = logsumexp(np.where(right, scaled, -np.inf), axis=1)
        return float((logsumexp(scaled, axis=1) - inside).mean())

    bounds = (np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def at_temperature(
    probabilities: NDArray[np.float64], temperature: float, several: bool = False
) -> NDArray[np.float64]:
    """What probabilities [N, K] would be had their logits been divided by ``temperature``."""
    if several:
        known = np.clip(probabilities, 1e-12, 1.0 - 1e-12)
        return 1.0 / (1.0 + (1.0 / known - 1.0) ** (1.0 / temperature))
    scaled = np.log(np.maximum(probabilities, 1e-12)) / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)
