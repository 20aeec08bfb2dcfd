"""From a distribution over counts to the decision: how many people, and which level of ambiance.

Letters: B clips, K counts (0..K-1), L levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.clip import MAX_COUNT
from search_spaces.errors import UserError


class Decision(NamedTuple):
    """What is said of B clips; count and level never contradict each other."""

    counts: NDArray[np.int64]  # [B]
    levels: NDArray[np.int64]  # [B]
    probability: NDArray[np.float64]  # [B], summed probability of the chosen level


@dataclass(frozen=True)
class AmbianceLevels:
    """Levels of social ambiance: level ``i`` begins at ``edges[i - 1]`` people, level 0 at none.

    Raises:
        UserError: edges that do not rise within 1..10, or names that do not fit them.
    """

    edges: tuple[int, ...] = (1, 2, 5)
    names: tuple[str, ...] = ("none", "one", "some", "active")

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", tuple(self.edges))
        object.__setattr__(self, "names", tuple(self.names))
        whole = all(isinstance(edge, int) and not isinstance(edge, bool) for edge in self.edges)
        rising = whole and list(self.edges) == sorted(set(self.edges))
        if not self.edges or not rising or not 1 <= self.edges[0] <= self.edges[-1] <= MAX_COUNT:
            raise UserError(
                f"levels.edges: got {list(self.edges)}, expected rising whole numbers"
                f" within 1..{MAX_COUNT}, e.g. [1, 2, 5]"
            )
        distinct = len(set(self.names)) == len(self.names)
        if len(self.names) != len(self.edges) + 1 or not distinct or not all(self.names):
            raise UserError(
                f"levels.names: got {list(self.names)}, expected {len(self.edges) + 1}"
                f" distinct names, one more than the edges {list(self.edges)}"
            )

    def __len__(self) -> int:
        return len(self.names)

    def of_counts(self, counts: ArrayLike) -> NDArray[np.int64]:
        """Level of each count, any shape."""
        return np.searchsorted(np.asarray(self.edges), np.asarray(counts), side="right")

    def probabilities(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """Sum count probabilities [B, K] into level probabilities [B, L].

        Raises:
            UserError: not [B, K] with at least one count per level, or not finite.
        """
        values = np.asarray(probabilities, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] <= self.edges[-1]:
            raise UserError(
                f"probabilities: got shape {list(values.shape)}, expected [clips, counts]"
                f" with at least {self.edges[-1] + 1} counts for levels that begin at"
                f" {list(self.edges)}"
            )
        if not np.isfinite(values).all():
            raise UserError("probabilities: got NaN or infinity, expected finite numbers")
        return np.add.reduceat(values, (0, *self.edges), axis=1)

    def decide(self, probabilities: ArrayLike) -> Decision:
        """Decide count and level of B clips from count probabilities [B, K].

        The level is the one with the largest summed probability (the decision that minimises the
        level error); the count is the median of the distribution restricted to that level's counts
        (the one that minimises the absolute error there).

        Raises:
            UserError: see `probabilities`.
        """
        values = np.asarray(probabilities, dtype=np.float64)
        per_level = self.probabilities(values)
        levels = per_level.argmax(axis=1)
        probability = per_level[np.arange(len(levels)), levels]
        inside = self.of_counts(np.arange(values.shape[1])) == levels[:, None]  # [B, K]
        cumulative = np.where(inside, values, 0.0).cumsum(axis=1)
        # The tolerance keeps a median that sits exactly on a half from depending on rounding.
        reached = inside & (cumulative >= probability[:, None] * (0.5 - 1e-9))
        return Decision(reached.argmax(axis=1), levels, probability)
