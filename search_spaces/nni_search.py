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
            return figure_beyond(prices.of(net), limits, prices.num_outputs)
        if net not in judged:
            judged[net] = judge([net])[0]
        return figure_within(judged[net], prices.num_outputs)

    explore(prices.space, strategy, figure, nets, seed)
    return judged


def figure_within(error: float, num_outputs: int) -> float:
    """What NNI is told of a net within the budget: minus its ranking error, at least minus `worst`.

    Args:
        error: see `Task.ranking_error`.
        num_outputs: of the net.
    """
    return -min(error, worst(num_outputs))


def figure_beyond(price: Price, limits: Mapping[str, float], num_outputs: int) -> float:
    """What NNI is told of a net beyond the budget.

    Less than of any net within it, and the less the further beyond it is.

    Args:
        price: of the net.
        limits: of the budget, by axis, of which the price exceeds one.
        num_outputs: of the net.
    """
    return -worst(num_outputs) - max(price[axis] / limit for axis, limit in limits.items())


def worst(num_outputs: int) -> float:
    """A ranking error that no net of so many outputs exceeds.

    A Brier score is at most 1 an output, or 2, and a count at most `MAX_COUNT` off. The distance to
    a teacher has no bound, but a net beyond this one errs ten times as much as the teacher's mean
    would, and how much more need not matter.
    """
    return float(max(MAX_COUNT, num_outputs))
