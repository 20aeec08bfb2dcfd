"""What a net is asked: the one place that tells counting people, naming classes and embeddings.

Everything that trains, searches, lowers, predicts and judges asks a `Task` for what its outputs
mean, how good they are and what is decided from them.

A label is a closed interval ``[lo, hi]`` of what the label allows, int64: of the one index that is
right [N], or, where several outputs may be right at once, of each output being absent (0) or
present (1) [N, K]; ``[0, 1]`` is an output of which the label says nothing. Of an embedding the
label is what the outputs should be, float32 [N, K] with ``lo == hi``, or the recording that a clip
is from [N].
Letters: N clips, K outputs, T samples.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.metrics import RESAMPLES, Estimate

if TYPE_CHECKING:
    from torch import Tensor


class Metric(NamedTuple):
    """A figure that a task is judged by, and how it is written."""

    key: str  # in the kit's files
    title: str
    scale: float
    unit: str

    def text(self, value: float, digits: int = 1) -> str:
        """The value as a reader wants it, e.g. ``5.4 %``."""
        return f"{self.scale * value:.{digits}f}{self.unit}"


class Task(ABC):
    """What the outputs of a net mean.

    Attributes:
        kind: its name in configurations and files.
        several: whether several outputs may be right at once (sigmoid instead of softmax).
        repeats: whether a recording shorter than a clip is repeated to fill it, as a murmur may be;
            an event is not, and silence follows it.
        shortest_seconds: a recording that holds less is refused.
        ordered: whether a near output is nearly right.
        adds: whether the sum of two clips has the sum of their labels.
        probabilistic: whether outputs are probabilities, of which one can be more or less sure.
        score: what `ranking_error` is called.
        judged_by: the figures, the headline first.
    """

    kind: ClassVar[str]
    several: bool = False
    repeats: ClassVar[bool]
    shortest_seconds: ClassVar[float]
    ordered: ClassVar[bool]
    adds: ClassVar[bool]
    probabilistic: ClassVar[bool] = True
    score: ClassVar[str]
    judged_by: tuple[Metric, ...]

    @property
    def headline(self) -> Metric:
        """The error that int8 may not worsen and that a user asks for first."""
        return self.judged_by[0]

    @property
    def accuracy(self) -> str:
        """What is lost where the headline error rises."""
        return self.headline.title.replace("error", "accuracy")

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """What each of the K outputs stands for."""

    @property
    @abstractmethod
    def blind_error(self) -> float:
        """`ranking_error` of a net that knows nothing, where every output is as frequent."""

    @abstractmethod
    def ranking_error(self, probabilities: ArrayLike, lo: ArrayLike, hi: ArrayLike) -> float:
        """A proper score of probabilities [N, K], smaller is better, that ranks nets."""

    @abstractmethod
    def sure_error(self, figures: Mapping[str, float]) -> float:
        """`ranking_error` of a net that is always sure of its decisions, from figures of `judge`.

        Usually more than that of the net itself, which need not be sure.
        """

    @abstractmethod
    def judge(
        self,
        probabilities: ArrayLike,
        lo: ArrayLike,
        hi: ArrayLike,
        seed: int = 0,
        resamples: int = RESAMPLES,
    ) -> dict[str, Estimate]:
        """Every figure of `judged_by` for probabilities [N, K], with its 95 % interval.

        Raises:
            UserError: labels that do not fit.
        """

    @abstractmethod
    def order(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """A number per clip [N] along which clips that calibrate batch norm are spread evenly."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What files say of the task; see `task_json.read_task`."""

    def probabilities(self, logits: Tensor) -> Tensor:
        """Logits [N, K] to probabilities [N, K]: of one output in all, or of each."""
        return logits.sigmoid() if self.several else logits.softmax(dim=1)

    def fill(self, sound: NDArray[Any], samples: int) -> NDArray[Any]:
        """A recording of at most ``samples`` samples as a whole clip [T] of the same dtype.

        Repeated, or in the middle of silence, where a net that heard sounds anywhere knows most.
        """
        if self.repeats:
            return np.resize(sound, samples)
        spare = samples - len(sound)
        return np.pad(sound, (spare // 2, spare - spare // 2))


def estimates_to_json(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """What `Task.judge` says, as the kit's files hold it."""
    return {name: estimate.to_json() for name, estimate in estimates.items()}
