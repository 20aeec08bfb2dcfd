"""What a net may cost, what each net does cost, and whether any net of the space fits the budget.

The answer is found by searching costs, which takes microseconds a net, and never by drawing nets
until one fits: an infeasible budget ends at once.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from search_spaces.architecture import Architecture, from_indices
from search_spaces.clip import NUM_COUNTS
from search_spaces.cost import Precision, costs
from search_spaces.cost_table import CostTable
from search_spaces.errors import UserError
from search_spaces.space import SpaceSpec

FLAGS = {
    "latency_ms": "--max-latency-ms",
    "params": "--max-params",
    "macs": "--max-macs",
    "energy_mj": "--max-energy-mj",
}
UNITS = {"latency_ms": " ms", "params": "", "macs": "", "energy_mj": " mJ"}
_STARTS = 4  # coordinate descents: from the smallest net and from random ones

Indices = tuple[int, ...]  # one index per dimension of the space, in its order
Price = Mapping[str, float]  # by axis: latency_ms, params, macs, energy_mj


@dataclass(frozen=True)
class Budget:
    """Upper limits per clip of the space; None where there is none.

    Attributes:
        precision: at which predicted latency and energy are limited.
        max_latency_ms, max_params, max_macs, max_energy_mj: the limits, each inclusive.
    """

    precision: Precision = "int8"
    max_latency_ms: float | None = None
    max_params: float | None = None
    max_macs: float | None = None
    max_energy_mj: float | None = None

    @property
    def limits(self) -> dict[str, float]:
        """The limits that there are, by axis."""
        return {
            axis: limit for axis in FLAGS if (limit := getattr(self, f"max_{axis}")) is not None
        }


class Prices:
    """Cost of any net of a space on every axis that is known, cached.

    Args:
        space: whose nets are asked for.
        table: predicts latency, and energy where it has it; None leaves both out.
        precision: at which they are predicted.
        num_outputs: of the nets.

    Raises:
        UserError: the table is of another space or lacks latency at this precision.
    """

    def __init__(
        self,
        space: SpaceSpec,
        table: CostTable | None,
        precision: Precision,
        num_outputs: int = NUM_COUNTS,
    ) -> None:
        self.space = space
        self.table = table
        self.precision = precision
        self.num_outputs = num_outputs
        if table is not None:
            table.check_space(space)
            table.check_has("latency_ms", precision)
        self.of: Callable[[Indices], Price] = lru_cache(maxsize=None)(self._price)

    def _price(self, indices: Indices) -> Price:
        architecture = from_indices(self.space, indices)
        cost = costs(architecture, self.num_outputs)
        price: dict[str, float] = {"params": cost.params, "macs": cost.macs}
        if self.table is not None:
            price["latency_ms"] = self.table.latency_ms(
                architecture, self.precision, self.num_outputs
            )
            if self.table.has("energy_mj", self.precision):
                price["energy_mj"] = self.table.energy_mj(
                    architecture, self.precision, self.num_outputs
                )
        return price


def fits(price: Price, limits: Mapping[str, float]) -> bool:
    """Whether a net of this price is within the limits."""
    return all(price[axis] <= limit for axis, limit in limits.items())


def check_budget(
    space: SpaceSpec, table: CostTable | None, budget: Budget, num_outputs: int = NUM_COUNTS
) -> tuple[Prices, Architecture]:
    """Refuse a budget that no net of ``space`` meets.

    Returns:
        The prices, and one net that meets the budget.

    Raises:
        UserError: a limit on an axis whose cost is unknown, or a budget that cannot be met: the
            tightest limit and the smallest value that could be met in its place.
    """
    prices = Prices(space, table, budget.precision, num_outputs)
    limits = budget.limits
    if table is None and "latency_ms" in limits:
        raise UserError(
            "--max-latency-ms needs --cost-table; measure one with"
            f" `python -m deploy cost-table --space {space.name}`"
        )
    if table is None and "energy_mj" in limits:
        raise UserError("--max-energy-mj needs --cost-table with measured energy")
    if table is not None and "energy_mj" in limits:
        table.check_has("energy_mj", budget.precision)
    witness: Indices = (0,) * len(space.dimensions)
    if not fits(prices.of(witness), limits):
        witness = _minimise(prices, lambda price: (_excess(price, limits),))
    if not fits(prices.of(witness), limits):
        raise UserError(_explain(prices, limits))
    return prices, from_indices(space, witness)


def smallest_value(prices: Prices, axis: str, limits: Mapping[str, float]) -> float | None:
    """Smallest cost on ``axis`` of a net within ``limits`` on the other axes, None if none is."""
    others = {other: limit for other, limit in limits.items() if other != axis}
    price = prices.of(_minimise(prices, lambda price: (_excess(price, others), price[axis])))
    return price[axis] if fits(price, others) else None


def _explain(prices: Prices, limits: Mapping[str, float]) -> str:
    alone = {axis: smallest_value(prices, axis, {}) or 0.0 for axis in limits}
    too_tight = sorted(
        (axis for axis in limits if alone[axis] > limits[axis]),
        key=lambda axis: limits[axis] / alone[axis],
    )
    space = prices.space.name
    if too_tight:
        first, *rest = (
            f"{FLAGS[axis]} {limits[axis]:g}: the smallest value that could be met is"
            f" {_round_up(alone[axis])}{UNITS[axis]}"
            for axis in too_tight
        )
        return "; ".join([f"budget: no net of space {space} meets {first}", *rest])
    kept = {axis: smallest_value(prices, axis, limits) for axis in limits}
    could = {axis: value / limits[axis] for axis, value in kept.items() if value is not None}
    if not could:
        return (
            f"budget: no net of space {space} meets any two of the limits together;"
            f" relax {' and '.join(FLAGS[axis] for axis in limits)}"
        )
    axis = min(could, key=lambda axis: could[axis])
    return (
        f"budget: no net of space {space} meets all limits together; the tightest is {FLAGS[axis]}"
        f" {limits[axis]:g}: with the others kept, the smallest value that could be met is"
        f" {_round_up(could[axis] * limits[axis])}{UNITS[axis]}"
    )


def _excess(price: Price, limits: Mapping[str, float]) -> float:
    return sum(max(0.0, price[axis] / limit - 1.0) for axis, limit in limits.items())


def _minimise(prices: Prices, key: Callable[[Price], tuple[float, ...]]) -> Indices:
    """Net of least ``key`` by coordinate descent: one dimension at a time, until none helps.

    Costs rise with nearly every dimension whatever the others are, so that a descent ends in the
    least net; the further starts are for front ends, whose measured cost may jump.
    """
    sizes = [len(choices) for choices in prices.space.dimensions.values()]
    rng = np.random.default_rng(0)
    starts = [tuple(int(rng.integers(size)) for size in sizes) for _ in range(_STARTS - 1)]
    best: Indices = (0,) * len(sizes)
    for start in [best, *starts]:
        current = start
        improved = True
        while improved:
            improved = False
            for dimension, size in enumerate(sizes):
                options = [
                    (*current[:dimension], i, *current[dimension + 1 :]) for i in range(size)
                ]
                least = min(options, key=lambda option: key(prices.of(option)))
                if key(prices.of(least)) < key(prices.of(current)):
                    current, improved = least, True
        if key(prices.of(current)) < key(prices.of(best)):
            best = current
    return best


def _round_up(value: float) -> str:
    """Four significant digits, rounded up, so that the value named can be met."""
    if value == int(value):
        return str(int(value))
    return f"{decimal.Context(prec=4, rounding=decimal.ROUND_CEILING).create_decimal(value):f}"
