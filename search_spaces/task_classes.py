"""The task of naming what is heard: one class per clip, or any number of them.

Letters: N clips, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.errors import UserError
from search_spaces.metrics import (
    RESAMPLES,
    Estimate,
    bootstrap_balanced,
    bootstrap_mean,
    check_labels,
)
from search_spaces.task import Metric, Task

PRESENT = 0.5  # probability from which one of several classes is said to be heard

_ONE = (
    Metric("error", "error", 100.0, " %"),
    Metric("balanced_error", "error, each class as important", 100.0, " %"),
)
_SEVERAL = (
    Metric("error", "error of all yes and no", 100.0, " %"),
    Metric("set_error", "clips not wholly right", 100.0, " %"),
)


class Decisions(NamedTuple):
    """What is said of N clips: bool [N, K], and how sure the net is of all of it [N]."""

    said: NDArray[np.bool_]
    probability: NDArray[np.float64]


@dataclass(frozen=True)
class ClassesTask(Task):
    """Output i is the probability of class i.

    Attributes:
        names: of the classes, distinct.
        several: whether a clip may be of several classes, or of none.

    Raises:
        UserError: fewer than two classes (one, where several may be heard), or one named twice.
    """

    kind: ClassVar[str] = "classes"
    repeats: ClassVar[bool] = False
    shortest_seconds: ClassVar[float] = 0.05
    ordered: ClassVar[bool] = False
    adds: ClassVar[bool] = False
    score: ClassVar[str] = "Brier score"

    names: tuple[str, ...]
    several: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        least = 1 if self.several else 2
        if len(self.names) < least or not all(self.names):
            raise UserError(
                f"classes: got {list(self.names)}, expected at least {least} with a name each"
            )
        if len(set(self.names)) < len(self.names):
            raise UserError(f"classes: got {list(self.names)}, expected distinct names")

    @property
    def judged_by(self) -> tuple[Metric, ...]:  # type: ignore[override]
        """Of one class, or of several."""
        return _SEVERAL if self.several else _ONE

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names."""
        return self.names

    @property
    def blind_error(self) -> float:
        """Brier score of equal probabilities, or of a half each."""
        return len(self.names) / 4 if self.several else 1.0 - 1.0 / len(self.names)

    def ranking_error(self, probabilities: ArrayLike, lo: ArrayLike, hi: ArrayLike) -> float:
        """Brier score (Brier 1950), summed over classes; proper, and bounded as no logarithm is.

        Raises:
            UserError: labels that do not fit the probabilities, or no clips at all.
        """
        values, present, known = self._targets(probabilities, lo, hi)
        if not len(values):
            raise UserError("labels: got no clips, expected at least one")
        return float((np.square(values - present) * known).sum(axis=1).mean())

    def sure_error(self, figures: Mapping[str, float]) -> float:
        """A wrong name costs twice, since what is right is not said; a wrong yes or no once."""
        return figures["error"] * (len(self.names) if self.several else 2)

    def judge(
        self,
        probabilities: ArrayLike,
        lo: ArrayLike,
        hi: ArrayLike,
        seed: int = 0,
        resamples: int = RESAMPLES,
    ) -> dict[str, Estimate]:
        """See the titles of `judged_by`."""
        values, present, known = self._targets(probabilities, lo, hi)
        wrong = (self.decide(values).said != present) & known
        any_wrong = wrong.any(axis=1).astype(np.float64)
        if self.several:
            shares = wrong.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
            settled = known.any(axis=1)
            return {
                "error": bootstrap_mean(shares[settled], seed, resamples),
                "set_error": bootstrap_mean(any_wrong[settled], seed, resamples),
            }
        classes = present.argmax(axis=1)
        return {
            "error": bootstrap_mean(any_wrong, seed, resamples),
            "balanced_error": bootstrap_balanced(wrong.any(axis=1), classes, seed, resamples),
        }

    def decide(self, probabilities: ArrayLike) -> Decisions:
        """The likeliest class, or all whose probability is at least a half."""
        values = np.asarray(probabilities, dtype=np.float64)
        if self.several:
            said = values >= PRESENT
            return Decisions(said, np.where(said, values, 1.0 - values).min(axis=1))
        best = values.argmax(axis=1)
        said = np.arange(values.shape[1]) == best[:, None]
        return Decisions(said, values[np.arange(len(values)), best])

    def order(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The likeliest class."""
        return probabilities.argmax(axis=1).astype(np.float64)

    def to_json(self) -> dict[str, Any]:
        """Kind, names, and whether there may be several."""
        return {"kind": self.kind, "names": list(self.names), "several": self.several}

    def _targets(
        self, probabilities: ArrayLike, lo: ArrayLike, hi: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Probabilities, which classes are present, and of which that is known, all [N, K]."""
        values = np.asarray(probabilities, dtype=np.float64)
        if not self.several:
            low, high = check_labels(lo, hi, values)
            if (low != high).any():
                raise UserError("labels: a clip of several possible classes, expected one each")
            present = np.arange(values.shape[1]) == low[:, None]
            return values, present, np.ones_like(present)
        low, high = np.asarray(lo, dtype=np.int64), np.asarray(hi, dtype=np.int64)
        fits = low.shape == high.shape == values.shape
        if not fits or not ((low >= 0) & (low <= high) & (high <= 1)).all():
            raise UserError(
                f"labels: got lo {list(low.shape)} and hi {list(high.shape)}, expected"
                f" {list(values.shape)} each, 0 <= lo <= hi <= 1"
            )
        return values, low == 1, low == high
