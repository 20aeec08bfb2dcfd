"""Which points no other one beats, and which few of them stand for all.

Letters: P points, A axes; every axis is minimised.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymoo.indicators.hv import Hypervolume
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting


def non_dominated(points: ArrayLike) -> NDArray[np.int64]:
    """Indices of the points [P, A] that no other point beats, in their order; one of equals."""
    values, first = np.unique(np.asarray(points, dtype=np.float64), axis=0, return_index=True)
    front = NonDominatedSorting().do(values, only_non_dominated_front=True)
    return np.sort(first[front])


def spread(points: ArrayLike, number: int) -> list[int]:
    """Indices of at most ``number`` of the points [P, A]: the least on the first axis, then others.

    Each further one adds most to the hypervolume that those chosen dominate (greedy subset
    selection, Guerreiro et al. 2016), after each axis is scaled to its range.
    """
    values = np.asarray(points, dtype=np.float64)
    low, extent = values.min(axis=0), np.ptp(values, axis=0)
    scaled = (values - low) / np.where(extent > 0, extent, 1.0)
    volume = Hypervolume(ref_point=np.full(values.shape[1], 1.1))
    chosen = [int(np.lexsort(scaled.T[::-1])[0])]
    while len(chosen) < min(number, len(values)):
        others = [i for i in range(len(values)) if i not in chosen]
        chosen.append(max(others, key=lambda i: volume(scaled[[*chosen, i]])))
    return chosen
