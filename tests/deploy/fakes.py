"""Stand-ins for a bundle, for the tests of what is done with its answers."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from search_spaces.ambiance import AmbianceLevels
from search_spaces.clip import CLIP_SAMPLES
from search_spaces.task_counts import CountsTask


class PeakModel:
    """Says as many people as the clip's peak has tenths, with probability 0.9."""

    def __init__(self) -> None:
        self.heard = 0

    def run(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        self.heard += 1
        probabilities = np.full(11, 0.01, dtype=np.float32)
        probabilities[min(10, round(10 * float(np.abs(waveform).max())))] = 0.9
        return probabilities


class PeakBundle:
    """A bundle with `PeakModel` in both precisions."""

    levels = AmbianceLevels()
    manifest: ClassVar[dict[str, Any]] = {"files": {}}
    task = CountsTask()
    clip_samples = CLIP_SAMPLES

    def __init__(self) -> None:
        self.model = PeakModel()
        self.loaded: list[str | None] = []

    def choose_precision(self, precision: str | None) -> str:
        return precision or "int8"

    def load(self, precision: str | None = None) -> PeakModel:
        self.loaded.append(precision)
        return self.model


def lower_and_die(*_: object) -> None:
    """Lowering that the system kills, as it does where memory is short."""
    os._exit(9)


def lower_slowly(program: Mapping[str, Any], path: Path) -> None:
    """In place of `cost_programs._lower`: say that it has begun, and take a while."""
    path.with_suffix(".begun").touch()
    time.sleep(0.2)
