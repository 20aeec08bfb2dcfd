"""What a bundle that names classes says of windows, and of whole files.

Letters: T samples of a window, N windows, K classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from deploy.prediction_rows import AnyRow, ClassRow
from deploy.windows import Window
from lightning_modules.recordings import LABEL_SEPARATOR
from search_spaces.task_classes import ClassesTask


class Model(Protocol):
    """Anything that gives the probability of each output; an `Engine` is one."""

    def run(self, waveform: NDArray[np.float32]) -> NDArray[np.floating]:
        """Waveform float32 [T] at 16 kHz to probabilities [K]."""


class Heard(NamedTuple):
    """A stretch of a file and the probabilities of its classes [K]."""

    start_s: float
    end_s: float
    probabilities: NDArray[np.floating]


@dataclass(frozen=True)
class ClassListener:
    """A model with what its outputs mean.

    Attributes:
        model: gives probabilities.
        task: of the model.
        clip_samples: T.
        whole_files: one row per file instead of one per window.
    """

    model: Model
    task: ClassesTask
    clip_samples: int
    whole_files: bool = False
    row_type: ClassVar[type[AnyRow]] = ClassRow

    def rows(self, path: Path, heard: Iterable[Window]) -> Iterator[ClassRow]:
        """One row per window, or one of all."""
        for one in hear_each(self.model, heard, self.whole_files):
            yield self._row(path, one)

    def _row(self, path: Path, heard: Heard) -> ClassRow:
        decision = self.task.decide(heard.probabilities[None])
        said = [name for name, yes in zip(self.task.names, decision.said[0], strict=True) if yes]
        return ClassRow(
            file=str(path),
            start_s=heard.start_s,
            end_s=heard.end_s,
            label=LABEL_SEPARATOR.join(said),
            probability=float(decision.probability[0]),
        )


def hear_each(model: Model, windows: Iterable[Window], together: bool) -> Iterator[Heard]:
    """What a model says of each window, or of all ``together`` (see `hear`)."""
    if together:
        yield hear(model, windows)
        return
    for window in windows:
        yield Heard(window.start_s, window.end_s, model.run(window.waveform))


def hear(model: Model, windows: Iterable[Window]) -> Heard:
    """The probabilities of N >= 1 windows on average, each by the seconds of its sound."""
    starts, ends, seconds = [], [], 0.0
    weighted: Any = 0.0
    for window in windows:
        length = window.end_s - window.start_s
        weighted = weighted + length * model.run(window.waveform).astype(np.float64)
        seconds += length
        starts.append(window.start_s)
        ends.append(window.end_s)
    return Heard(min(starts), max(ends), weighted / seconds)
