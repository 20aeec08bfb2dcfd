"""A search by one of NNI's own strategies, in the place of NSGA-II."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from search_spaces.architecture import Architecture
from search_spaces.budget import Indices, Price, Prices, fits
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

    They know one figure and no limits (see `figure_beyond`); a net beyond the budget is not judged.

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
        if not fits(prices.of(net), limits):
            return figure_beyond(prices.of(net), limits)
        if net not in judged:
            judged[net] = judge([net])[0]
        return -judged[net]

    explore(prices.space, strategy, figure, nets, seed)
    return judged


def figure_beyond(price: Price, limits: Mapping[str, float]) -> float:
    """What NNI is told of a net beyond the budget, where it is minus the ranking error within.

    Less than of any net within it, and the less the further beyond it is.
    """
    return -MAX_COUNT - max(price[axis] / limit for axis, limit in limits.items())
