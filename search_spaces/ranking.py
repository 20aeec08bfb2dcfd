"""The statistic that ranks subnets while searching.

Letters: N clips, K counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from search_spaces.errors import UserError
from search_spaces.metrics import check_labels


def ranked_probability_score(probabilities: ArrayLike, lo: ArrayLike, hi: ArrayLike) -> float:
    """Ranked probability score (Epstein 1969) of count probabilities [N, K], in people.

    The mean over clips of the squared difference between the predicted and the true cumulative
    distribution, summed over counts; that of a net which is sure of one count is its absolute
    error. It is proper (Gneiting and Raftery 2007, section 4.2): a net gains nothing by being surer
    or less sure than it has reason to be. Of a label ``[lo, hi]`` only the thresholds that it
    settles are judged.

    Raises:
        UserError: labels that do not fit the probabilities, or no clips at all.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    low, high = check_labels(lo, hi, values)
    if not len(low):
        raise UserError("labels: got no clips, expected at least one")
    counts = np.arange(values.shape[1])
    true = counts >= low[:, None]
    settled = (counts < low[:, None]) | (counts >= high[:, None])
    squared = (values.cumsum(axis=1) - true) ** 2
    return float((squared * settled).sum(axis=1).mean())
