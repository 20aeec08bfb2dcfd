"""The task of social ambiance: how many people speak at the same time, and at which level.

Letters: N clips, K counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.ambiance import AmbianceLevels
from search_spaces.clip import NUM_COUNTS
from search_spaces.metrics import RESAMPLES, Estimate, evaluate
from search_spaces.ranking import ranked_probability_score
from search_spaces.task import Metric, Task


@dataclass(frozen=True)
class CountsTask(Task):
    """Output i is the probability that i people speak.

    Attributes:
        levels: of ambiance, by which a count is judged.
    """

    kind: ClassVar[str] = "counts"
    repeats: ClassVar[bool] = True
    shortest_seconds: ClassVar[float] = 0.5
    ordered: ClassVar[bool] = True
    adds: ClassVar[bool] = True
    score: ClassVar[str] = "ranked probability score (people)"
    judged_by: ClassVar[tuple[Metric, ...]] = (  # type: ignore[misc]
        Metric("level_error", "level error", 100.0, " %"),
        Metric("mae", "mean absolute error", 1.0, ""),
        Metric("exact_accuracy", "exact accuracy", 100.0, " %"),
    )

    levels: AmbianceLevels = field(default_factory=AmbianceLevels)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The counts."""
        return tuple(str(count) for count in range(NUM_COUNTS))

    @property
    def blind_error(self) -> float:
        """The mean distance of two counts, less half of it."""
        return (NUM_COUNTS**2 - 1) / (6 * NUM_COUNTS)

    def ranking_error(self, probabilities: ArrayLike, lo: ArrayLike, hi: ArrayLike) -> float:
        """`ranking.ranked_probability_score`, in people."""
        return ranked_probability_score(probabilities, lo, hi)

    def sure_error(self, figures: Mapping[str, float]) -> float:
        """The mean absolute error."""
        return figures["mae"]

    def judge(
        self,
        probabilities: ArrayLike,
        lo: ArrayLike,
        hi: ArrayLike,
        seed: int = 0,
        resamples: int = RESAMPLES,
    ) -> dict[str, Estimate]:
        """See `metrics.evaluate`."""
        evaluation = evaluate(probabilities, lo, hi, self.levels, seed, resamples)
        return {metric.key: getattr(evaluation, metric.key) for metric in self.judged_by}

    def order(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The expected count."""
        return probabilities @ np.arange(probabilities.shape[1], dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """The kind alone: files keep the levels in a field of their own."""
        return {"kind": self.kind}
