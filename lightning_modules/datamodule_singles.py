"""Sums of single voices in every training batch, beside the labelled clips.

Legend: B labelled clips of a batch, T samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lightning_modules.audio import Int16
from lightning_modules.datamodule_batches import Batch
from lightning_modules.datamodule_places import clips_of_share
from lightning_modules.datamodule_recorded import in_mixed_order
from lightning_modules.labels import Budget
from lightning_modules.mixtures import Mixtures
from lightning_modules.singles import Singles
from lightning_modules.singles_found import Found, find_singles
from search_spaces.errors import UserError
from search_spaces.files import sha256_file

_DRAWS, _ORDER = 6, 7  # streams, beside those of recordings


class SinglesSource:
    """Which net finds clips of one voice, and among which clips; it is asked once.

    Args:
        teacher: a `subnet.pt` or `supernet.pt` that counts people.
        pool: unlabelled clips that it is asked about.
        confidence: probability from which on it is believed.
        share: of the sums in the labelled clips of a batch.

    Raises:
        UserError: the confidence is no probability.
    """

    def __init__(self, teacher: Path, pool: int, confidence: float, share: float) -> None:
        if not 0 < confidence <= 1:  # below 0 every clip would be one voice, and none at once
            raise UserError(f"data.singles_confidence: got {confidence:g}, expected above 0 to 1")
        self.teacher = teacher
        self._pool, self._confidence, self._share = pool, confidence, share
        self._found: Found | None = None
        self.summary: dict[str, Any] | None = None  # of what the sums are made, after `part`

    def find(
        self, mixtures: Mixtures, budget: Budget, described: Mapping[str, Any], cache: Path
    ) -> Found:
        """The first clips of the pool that hold one voice or none; see `find_singles`."""
        if self._found is None:  # also in a process that did not prepare
            first = budget.train_labelled
            clips = range(first, min(first + self._pool, budget.train_pool))
            self._found = find_singles(
                self.teacher, mixtures, clips, self._confidence, dict(described), cache
            )
        return self._found

    def part(
        self,
        found: Found,
        labelled: Mapping[int, Sequence[Int16]],
        left: int,
        seed: int,
        throughout: bool,
    ) -> SinglesPart:
        """Sums of what was found and of the labelled clips of one voice (1) and of none (0).

        Args:
            found: by `find`.
            labelled: clips by their count.
            left: labelled clips of a batch, without those of other parts.
            seed: entropy of the sums.
            throughout: whether all speak all the time (see `Singles.of`).
        """
        voices, quiet = [*found.voices, *labelled[1]], [*found.quiet, *labelled[0]]
        self.summary = {
            "teacher_sha256": sha256_file(self.teacher),
            "asked_clips": self._pool,
            "confidence": self._confidence,
            "voices": len(voices),
            "quiet": len(quiet),
            "share": self._share,
        }
        singles = Singles.of(voices, quiet, throughout=throughout)
        return SinglesPart(singles, self._share, left, seed)

    def settings(self) -> dict[str, Any]:
        """What its batches depend on beside the teacher, by option."""
        return {
            "singles_share": self._share,
            "singles_pool": self._pool,
            "singles_confidence": self._confidence,
        }


class SinglesPart:
    """The sums in batch ``step``: a function of the seed and the step, never the same twice.

    Args:
        singles: what they are made of.
        share: of sums in the labelled clips of a batch.
        labelled_batch_size: B, without those of other parts.
        seed: entropy of the sums.

    Raises:
        UserError: the share is no clip of B, or leaves none that is labelled.
    """

    unlabelled = 0

    def __init__(self, singles: Singles, share: float, labelled_batch_size: int, seed: int) -> None:
        self.labelled = clips_of_share("singles_share", share, labelled_batch_size)
        self._singles = singles
        self._seed = seed

    def join(self, batch: Batch, step: int) -> Batch:
        """The batch with the sums among its labelled clips, in mixed order."""
        rng = np.random.default_rng((self._seed, _DRAWS, step))
        drawn = [self._singles.draw(rng) for _ in range(self.labelled)]
        counts = torch.tensor([count for _, count in drawn])
        sums = {
            "waveform": torch.from_numpy(np.stack([sound for sound, _ in drawn])),
            "lo": counts,
            "hi": counts,
        }
        order = (self._seed, _ORDER, step)
        return {**batch, "labelled": in_mixed_order(batch["labelled"], sums, order)}
