"""One number that makes a net's probabilities honest.

Letters: N clips, K outputs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.25, 4.0
PRIOR_SPREAD = 0.5  # of the temperature's logarithm about 0: what is expected of a trained net


def fit_temperature(
    logits: NDArray[np.floating],
    lo: NDArray[np.int64],
    hi: NDArray[np.int64],
    several: bool = False,
) -> float:
    """Temperature scaling (Guo et al. 2017, section 4.2) on labels as tasks have them.

    The negative log likelihood alone follows the luck of a few labels, and can leave a net less
    honest than it was. A normal prior of the logarithm keeps it near 1 unless the labels say
    otherwise together; of a hundred and more it changes next to nothing.

    Args:
        logits: [N, K].
        lo, hi: labels [N], or [N, K] where several outputs may be right.
        several: whether they may.

    Returns:
        The divisor of the logits that is likeliest by labels and prior.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    values = np.asarray(logits, dtype=np.float64)
    if not several:
        outputs = np.arange(values.shape[1])
        right = (outputs >= lo[:, None]) & (outputs <= hi[:, None])

    def loss(log_temperature: float) -> float:
        scaled = values / np.exp(log_temperature)
        prior = 0.5 * (log_temperature / PRIOR_SPREAD) ** 2
        if several:  # logistic loss of the outputs that are known
            known = np.logaddexp(0.0, np.where(lo == 1, -scaled, scaled)) * (lo == hi)
            return float(known.sum() + prior)
        inside = logsumexp(np.where(right, scaled, -np.inf), axis=1)
        return float((logsumexp(scaled, axis=1) - inside).sum() + prior)

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
