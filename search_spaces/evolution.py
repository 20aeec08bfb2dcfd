"""NSGA-II (Deb et al. 2002, pymoo) over the categorical dimensions of a space, within limits.

A net is a row of whole numbers, one index per dimension. Costs take microseconds and errors take
a second, so a net outside the limits is mended before anyone judges it.

Letters: P nets of a population, D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.crossover import Crossover
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem
from pymoo.core.repair import Repair
from pymoo.core.sampling import Sampling
from pymoo.optimize import minimize

from search_spaces.budget import Indices, Prices, fits

Matrix = NDArray[np.int64]  # [P, D]


def evolve(
    prices: Prices,
    limits: Mapping[str, float],
    witness: Indices,
    judge: Callable[[Sequence[Indices]], Sequence[float]],
    axes: Sequence[str],
    *,
    population: int,
    generations: int,
    seed: int,
) -> dict[Indices, float]:
    """Look for the nets of least error and least cost within the limits.

    Args:
        prices: cost of any net.
        limits: upper limits by axis.
        witness: a net within the limits.
        judge: errors of some nets, all within the limits.
        axes: the costs to minimise beside the error.
        population: nets per generation.
        generations: of NSGA-II, the first included.
        seed: of every random choice.

    Returns:
        Error of every net judged, in the order of judging.
    """
    seen: dict[Indices, float] = {}
    sizes = np.array([len(choices) for choices in prices.space.dimensions.values()])
    algorithm = NSGA2(
        pop_size=population,
        sampling=_Spread(sizes),
        crossover=_UniformCrossover(),
        mutation=_OtherChoice(sizes),
        repair=_TowardsWitness(prices, limits, witness),
        eliminate_duplicates=True,
    )
    problem = _Problem(prices, judge, axes, sizes, seen)
    minimize(problem, algorithm, ("n_gen", generations), seed=seed)
    return seen


class _Problem(Problem):
    """Errors and costs of a population; no net is judged twice."""

    def __init__(
        self,
        prices: Prices,
        judge: Callable[[Sequence[Indices]], Sequence[float]],
        axes: Sequence[str],
        sizes: NDArray[np.int64],
        seen: dict[Indices, float],
    ) -> None:
        super().__init__(n_var=len(sizes), n_obj=1 + len(axes), xl=0, xu=sizes - 1, vtype=int)
        self._prices, self._judge, self._axes, self._seen = prices, judge, axes, seen

    def _evaluate(self, x: Matrix, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        nets = [_indices(row) for row in x]
        new = [net for net in dict.fromkeys(nets) if net not in self._seen]
        self._seen.update(zip(new, self._judge(new), strict=True))
        out["F"] = np.array(
            [
                [self._seen[net], *(self._prices.of(net)[axis] for axis in self._axes)]
                for net in nets
            ]
        )


class _Spread(Sampling):
    """The smallest and the largest net, nets between them, and as many uniform ones.

    Uniform nets are all of middling size, and a short search would not reach the ends.
    """

    def __init__(self, sizes: NDArray[np.int64]) -> None:
        super().__init__()
        self._sizes = sizes

    def _do(
        self,
        problem: Problem,
        n_samples: int,
        *args: Any,
        random_state: np.random.Generator,
        **kwargs: Any,
    ) -> Matrix:
        uniform = random_state.random((n_samples, len(self._sizes)))
        height = random_state.random((n_samples, 1))
        graded = height + 0.25 * random_state.standard_normal(uniform.shape)
        graded[:1], graded[2:3] = 0.0, 1.0
        position = np.where(np.arange(n_samples)[:, None] % 2, uniform, graded)
        return np.clip((position * self._sizes).astype(np.int64), 0, self._sizes - 1)


class _UniformCrossover(Crossover):
    """Each dimension of a child comes from either parent; the other child takes the rest."""

    def __init__(self) -> None:
        super().__init__(n_parents=2, n_offsprings=2)

    def _do(
        self,
        problem: Problem,
        x: NDArray[np.int64],
        *args: Any,
        random_state: np.random.Generator,
        **kwargs: Any,
    ) -> NDArray[np.int64]:
        swap = random_state.random(x.shape[1:]) < 0.5
        return np.where(swap, x[::-1], x)


class _OtherChoice(Mutation):
    """Each dimension takes, with probability 1.5 / D, another of its choices."""

    def __init__(self, sizes: NDArray[np.int64]) -> None:
        super().__init__()
        self._sizes = sizes

    def _do(
        self,
        problem: Problem,
        x: Matrix,
        *args: Any,
        random_state: np.random.Generator,
        **kwargs: Any,
    ) -> Matrix:
        change = random_state.random(x.shape) < 1.5 / x.shape[1]
        step = 1 + (random_state.random(x.shape) * (self._sizes - 1)).astype(np.int64)
        return np.where(change, (x + step) % self._sizes, x)


class _TowardsWitness(Repair):
    """A net outside the limits takes choices of a net within them, one by one, until it fits."""

    def __init__(self, prices: Prices, limits: Mapping[str, float], witness: Indices) -> None:
        super().__init__()
        self._prices, self._limits, self._witness = prices, limits, witness

    def _do(
        self, problem: Problem, x: Matrix, *, random_state: np.random.Generator, **kwargs: Any
    ) -> Matrix:
        mended = x.copy()
        for row in mended:
            for dimension in random_state.permutation(len(row)):
                if fits(self._prices.of(_indices(row)), self._limits):
                    break
                row[dimension] = self._witness[dimension]
        return mended


def _indices(row: NDArray[np.int64]) -> Indices:
    return tuple(int(index) for index in row)
