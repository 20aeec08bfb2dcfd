"""A search by one of NNI's own strategies, in the place of NSGA-II."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from search_spaces.architecture import Architecture
from search_spaces.budget import Indices, Prices, fits
from search_spaces.clip import MAX_COUNT


def explore_by_nni(
    strategy: str,
    prices: Prices,
    limits: Mapping[str, float],
    start: Indices,
    judge: Callable[[Sequence[Indices]], Sequence[float]],
    *,
    nets: int,
    seed: int,
) -> dict[Indices, float]:
    """Ranking error of every net within the budget that the strategy came upon.

    These strategies know one figure and no limits: it is minus the ranking error, and for a net
    beyond the budget less than any net within it has, by how far it is beyond. Such a net is not
    judged.

    Args:
        strategy: one of `nni_adapter.STRATEGIES`.
        prices: costs of the space's nets.
        limits: of the budget, by axis.
        start: a net within the budget; judged whatever the strategy does.
        judge: ranking errors of nets.
        nets: how many the strategy looks at.
        seed: of the strategy.
    """
    from search_spaces.nni_adapter import explore

    logging.getLogger("nni").setLevel(logging.WARNING)
    judged = {start: judge([start])[0]}

    def figure(architecture: Architecture) -> float:
        net = tuple(architecture.indices(prices.space))
        price = prices.of(net)
        if not fits(price, limits):
            return -MAX_COUNT - max(price[axis] / limit for axis, limit in limits.items())
        if net not in judged:
            judged[net] = judge([net])[0]
        return -judged[net]

    explore(prices.space, strategy, figure, nets, seed)
    return judged
