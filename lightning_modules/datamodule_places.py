"""Which items a batch takes: passes that see every item once, each in another order."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import UserError


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


def clips_of_share(field: str, share: float, batch_size: int, part: str = "labelled") -> int:
    """How many of a batch's labelled or unlabelled clips a share is.

    Args:
        field: option of the data that gives the share, for the message.
        share: of the clips.
        batch_size: these.
        part: which of a batch they are: ``labelled`` or ``unlabelled``.

    Raises:
        UserError: it is none, or leaves none, or is no number.
    """
    if not math.isfinite(share):
        raise UserError(f"data.{field}: got {share}, expected a share between 0 and 1")
    clips = round(share * batch_size)
    if not 1 <= clips < batch_size:
        raise UserError(
            f"data.{field}: {share:g} of {part}_batch_size {batch_size} is {clips}"
            f" clips, expected 1 to {batch_size - 1}"
        )
    return clips


@lru_cache(maxsize=8)
def _shuffled(seed: int, stream: int, number: int, items: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, stream, number)).permutation(items)
