"""The task of an embedding: K numbers per clip from which other tasks are learned.

Two ways lead to one: meeting a teacher's embedding (FRILL, Peplinski et al. 2021), or, without a
teacher, telling clips near in time from others (TRILL, Shor et al. 2020).
Letters: N clips, K dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.errors import UserError
from search_spaces.metrics import RESAMPLES, Estimate, bootstrap_mean
from search_spaces.task import Metric, Task

if TYPE_CHECKING:
    from torch import Tensor

LEAST, MOST = 2, 8192  # dimensions


@dataclass(frozen=True)
class EmbeddingTask(Task):
    """The outputs are numbers without names of their own.

    Attributes:
        dimensions: K.

    Raises:
        UserError: a number of dimensions out of range.
    """

    kind: ClassVar[str] = "embedding"
    learned_from: ClassVar[str]
    repeats: ClassVar[bool] = False
    shortest_seconds: ClassVar[float] = 0.05
    ordered: ClassVar[bool] = False
    adds: ClassVar[bool] = False
    probabilistic: ClassVar[bool] = False

    dimensions: int

    def __post_init__(self) -> None:
        if not LEAST <= self.dimensions <= MOST:
            raise UserError(
                f"dimensions: got {self.dimensions}, expected {LEAST} to {MOST} of an embedding"
            )

    @property
    def outputs(self) -> tuple[str, ...]:
        """The numbers of the dimensions."""
        return tuple(map(str, range(self.dimensions)))

    def probabilities(self, logits: Tensor) -> Tensor:
        """The outputs as they are."""
        return logits

    def sure_error(self, figures: Mapping[str, float]) -> float:
        """The headline error: an embedding has no probabilities to be unsure by."""
        return figures[self.headline.key]

    def order(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Embeddings [N, K] along the direction in which they differ most."""
        centred = probabilities - probabilities.mean(axis=0)
        return centred @ np.linalg.svd(centred, full_matrices=False)[2][0]

    def to_json(self) -> dict[str, Any]:
        """Kind, dimensions, and what they were learned from."""
        return {
            "kind": self.kind,
            "dimensions": self.dimensions,
            "learned_from": self.learned_from,
        }


@dataclass(frozen=True)
class TeacherTask(EmbeddingTask):
    """To answer as a teacher does, in units in which its variance over training clips is 1.

    The teacher's mean is taken off and one factor for all dimensions scales it, so that the squared
    distance weighs dimensions as the teacher does. A label is the teacher's answer, [N, K].
    """

    learned_from: ClassVar[str] = "teacher"
    score: ClassVar[str] = "distance to the teacher (of its variance)"
    judged_by: ClassVar[tuple[Metric, ...]] = (  # type: ignore[misc]
        Metric("distance", "distance to the teacher", 100.0, " %"),
        Metric("cosine_distance", "cosine distance to the teacher", 1.0, ""),
    )

    @property
    def accuracy(self) -> str:
        """What is lost where the distance rises."""
        return "nearness to the teacher"

    @property
    def blind_error(self) -> float:
        """Of the teacher's mean as the answer to everything."""
        return 1.0

    def ranking_error(self, probabilities: ArrayLike, lo: ArrayLike, hi: ArrayLike) -> float:
        """Mean squared distance of embeddings [N, K]: the part of the teacher's variance missed.

        Raises:
            UserError: labels that do not fit, or no clips at all.
        """
        said, wanted = self._pairs(probabilities, lo, hi)
        return float(np.square(said - wanted).mean())

    def judge(
        self,
        probabilities: ArrayLike,
        lo: ArrayLike,
        hi: ArrayLike,
        seed: int = 0,
        resamples: int = RESAMPLES,
    ) -> dict[str, Estimate]:
        """See the titles of `judged_by`; cosines are about the teacher's mean."""
        said, wanted = self._pairs(probabilities, lo, hi)
        lengths = np.linalg.norm(said, axis=1) * np.linalg.norm(wanted, axis=1)
        cosine = (said * wanted).sum(axis=1) / np.maximum(lengths, 1e-12)
        distance = np.square(said - wanted).mean(axis=1)
        return {
            "distance": bootstrap_mean(distance, seed, resamples, most=None),
            "cosine_distance": bootstrap_mean(1.0 - cosine, seed, resamples, most=2.0),
        }

    def _pairs(
        self, said: ArrayLike, lo: ArrayLike, hi: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        values = np.asarray(said, dtype=np.float64)
        low, high = np.asarray(lo, dtype=np.float64), np.asarray(hi, dtype=np.float64)
        if not len(values):
            raise UserError("labels: got no clips, expected at least one")
        if low.shape != values.shape or not np.array_equal(low, high):
            raise UserError(
                f"labels: got lo {list(low.shape)} and hi {list(high.shape)}, expected the"
                f" teacher's embedding {list(values.shape)} as both"
            )
        return values, low


@dataclass(frozen=True)
class ProximityTask(EmbeddingTask):
    """To put clips of one recording, near in time, nearer to each other than to other clips.

    A label is the number of the recording that a clip is from, [N]; of each there are at least two.
    Only directions are trained, so an embedding is brought to length 1.
    """

    learned_from: ClassVar[str] = "time"
    score: ClassVar[str] = "1 - mean reciprocal rank of the recording"
    judged_by: ClassVar[tuple[Metric, ...]] = (  # type: ignore[misc]
        Metric("neighbour_error", "clips whose nearest is of another recording", 100.0, " %"),
    )

    @property
    def accuracy(self) -> str:
        """What is lost where the error rises."""
        return "clips whose nearest is of the same recording"

    @property
    def blind_error(self) -> float:
        """Of neighbours at random among many."""
        return 1.0

    def probabilities(self, logits: Tensor) -> Tensor:
        """The outputs [N, K] at length 1."""
        return logits / (logits * logits).sum(dim=1, keepdim=True).clamp(min=1e-12).sqrt()

    def ranking_error(self, probabilities: ArrayLike, lo: ArrayLike, hi: ArrayLike) -> float:
        """One less the mean of 1 / rank of the nearest clip of the same recording.

        Raises:
            UserError: labels that do not fit, or a recording with one clip only.
        """
        return float(1.0 - np.mean(1.0 / self._ranks(probabilities, lo, hi)))

    def judge(
        self,
        probabilities: ArrayLike,
        lo: ArrayLike,
        hi: ArrayLike,
        seed: int = 0,
        resamples: int = RESAMPLES,
    ) -> dict[str, Estimate]:
        """See the title of `judged_by`; nearness is the cosine."""
        wrong = (self._ranks(probabilities, lo, hi) > 1).astype(np.float64)
        return {"neighbour_error": bootstrap_mean(wrong, seed, resamples)}

    def _ranks(self, said: ArrayLike, lo: ArrayLike, hi: ArrayLike) -> NDArray[np.int64]:
        """Rank, from 1, of the nearest other clip of the same recording, [N]; ties count last."""
        values, of = np.asarray(said, dtype=np.float64), np.asarray(lo, dtype=np.int64)
        if of.shape != (len(values),) or not np.array_equal(of, np.asarray(hi)):
            raise UserError(
                f"labels: got lo {list(of.shape)}, expected [{len(values)}], the recording of each"
                " clip, as hi too"
            )
        same = of[:, None] == of
        np.fill_diagonal(same, False)
        if not len(values) or not same.any(axis=1).all():
            raise UserError("labels: a recording with one clip only, expected at least two of each")
        unit = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
        nearness = unit @ unit.T
        best = np.where(same, nearness, -np.inf).max(axis=1)
        return 1 + ((nearness >= best[:, None]) & (of[:, None] != of)).sum(axis=1)


def read_embedding_task(value: Mapping[str, Any]) -> EmbeddingTask:
    """The task of a file's field ``task``, as `EmbeddingTask.to_json` writes it.

    Raises:
        UserError: learned from something that this kit does not know.
    """
    known = {task.learned_from: task for task in (TeacherTask, ProximityTask)}
    if value["learned_from"] not in known:
        raise UserError(
            f"task: embedding learned from {value['learned_from']!r}, this kit knows"
            f" {' and '.join(known)}"
        )
    return known[value["learned_from"]](value["dimensions"])
