"""Which items a batch takes: passes that see every item once, each in another order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def places(seed: int, stream: int, step: int, size: int, items: int) -> NDArray[np.int64]:
    """The items of batch ``step``, int64 [size], each below ``items``.

    Args:
        seed: entropy of the order.
        stream: another stream has another order.
        step: number of the batch.
        size: items of a batch.
        items: how many there are.
    """
    passes, offsets = np.divmod(np.arange(step * size, (step + 1) * size), max(items, 1))
    return np.array(
        [
            _shuffled(seed, stream, int(number), items)[offset]
            for number, offset in zip(passes, offsets, strict=True)
        ],
        np.int64,
    )


@lru_cache(maxsize=8)
def _shuffled(seed: int, stream: int, number: int, items: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, stream, number)).permutation(items)
