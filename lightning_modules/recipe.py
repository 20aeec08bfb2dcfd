"""The recipe of one training step: which clips the students see, and their loss on them.

B labelled clips, U unlabelled clips, S sums of unlabelled clips, T samples, N number of counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import torch
from torch import Tensor

from lightning_modules import augment, losses, views
from lightning_modules.alignment import PseudoLabelStatistics
from lightning_modules.ingredients import (
    Additivity,
    CountAddition,
    Distillation,
    LabelledLoss,
    PseudoLabels,
    StrongAugmentation,
    WeakAugmentation,
)
from search_spaces.clip import MAX_COUNT

Batch = dict[str, dict[str, Tensor]]
Draws = Callable[[str], torch.Generator]  # a generator for each purpose


@dataclass(frozen=True)
class StudentBatch:
    """What the students of one step see, in the order labelled, pseudo-labelled, summed.

    waveform [B + U + S, T]; strong int64, the indices of those that are strongly augmented.
    """

    waveform: Tensor
    strong: Tensor
    labelled: views.LabelledView
    pseudo: views.TargetView | None
    sums: views.SumView | None

    @property
    def sizes(self) -> list[int]:
        """Clips of each part, in order."""
        parts = (self.labelled, self.pseudo, self.sums)
        return [len(part.waveform) for part in parts if part is not None]


@dataclass(frozen=True)
class Recipe:
    """The ingredients together.

    Attributes:
        labelled_loss, weak_augmentation, count_addition, strong_augmentation: see `ingredients`.
        pseudo_labels, additivity, distillation: see `ingredients`.
        ramp_up_steps: steps in which the losses on unlabelled clips reach their weights.
        counts_add_exactly: whether a sum of clips holds exactly the sum of their counts.
    """

    labelled_loss: LabelledLoss
    weak_augmentation: WeakAugmentation
    count_addition: CountAddition
    strong_augmentation: StrongAugmentation
    pseudo_labels: PseudoLabels
    additivity: Additivity
    distillation: Distillation
    ramp_up_steps: int
    counts_add_exactly: bool

    def settings(self) -> dict[str, object]:
        """All of it as plain values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value if isinstance(value, int | float) else asdict(value)
            for name, value in values.items()
        }

    def student_batch(
        self,
        batch: Batch,
        teach: Callable[[Tensor], Tensor],
        draws: Draws,
        statistics: PseudoLabelStatistics | None = None,
    ) -> StudentBatch:
        """Perturb and sum the clips, and let the teacher label the unlabelled ones.

        Args:
            batch: ``labelled``: ``waveform`` float32 [B, T], ``lo`` and ``hi`` int64 [B];
                ``unlabelled``: ``waveform`` float32 [U, T].
            teach: the teacher: weakly augmented float32 [U, T] to distributions [U, N].
            draws: generators on the device of the clips.
            statistics: see `ingredients.PseudoLabels.statistics`; this step is added to them.
        """
        labelled = self._labelled(batch["labelled"], draws("labelled"))
        pseudo = sums = None
        waveform = batch["unlabelled"]["waveform"]
        if len(waveform) and (self.pseudo_labels.enabled or self.additivity.enabled):
            draw = draws("unlabelled")
            weak = self.weak_augmentation(waveform, draw)
            probabilities = teach(weak)
            if statistics is not None:
                sure = views.confidence(probabilities, views.PSEUDO_LABEL_RADIUS)
                confident = sure >= self.pseudo_labels.threshold
                lo, hi = batch["labelled"]["lo"], batch["labelled"]["hi"]
                statistics.update(lo, hi, probabilities, confident)
            if self.pseudo_labels.enabled:
                pseudo = self.pseudo_labels.view(weak, probabilities, statistics)
            if self.additivity.enabled:
                sums = self.additivity.view(weak, probabilities, draw)
        unlabelled = [part.waveform for part in (pseudo, sums) if part is not None]
        waveform = torch.cat([labelled.waveform, *unlabelled])
        num_labelled = len(labelled.lo)
        chosen = self.strong_augmentation.chosen(num_labelled, len(waveform) - num_labelled)
        strong = torch.tensor(chosen, dtype=torch.int64, device=waveform.device)
        waveform = augment.random_level(waveform, draws("level"))
        return StudentBatch(waveform, strong, labelled, pseudo, sums)

    def losses(self, logits: Tensor, seen: StudentBatch) -> dict[str, Tensor]:
        """Unweighted loss of each ingredient, for logits [B + U + S, N] of one net."""
        chunks = iter(logits.split(seen.sizes))
        result = {"labelled": self.labelled_loss(next(chunks), seen.labelled.lo, seen.labelled.hi)}
        if seen.pseudo is not None:
            result["pseudo_labels"] = self.labelled_loss.soft(
                next(chunks), seen.pseudo.target, seen.pseudo.weight
            )
        if seen.sums is not None:
            sums, chunk = seen.sums, next(chunks)
            if self.counts_add_exactly:
                result["additivity"] = self.labelled_loss.soft(chunk, sums.target, sums.weight)
            else:
                result["additivity"] = losses.cumulative_bounds_loss(
                    chunk, sums.lower, sums.upper, sums.weight
                )
        return result

    def total(self, parts: dict[str, Tensor], step: int) -> Tensor:
        """Weighted sum of `losses` in this step."""
        ramp = min(1.0, (step + 1) / (self.ramp_up_steps + 1))
        weights = {
            "labelled": 1.0,
            "pseudo_labels": ramp * self.pseudo_labels.weight,
            "additivity": ramp * self.additivity.weight,
        }
        return torch.stack([weights[name] * part for name, part in parts.items()]).sum()

    def _labelled(self, clips: dict[str, Tensor], draw: torch.Generator) -> views.LabelledView:
        addition = self.count_addition
        return views.labelled_view(
            self.weak_augmentation(clips["waveform"], draw),
            clips["lo"],
            clips["hi"],
            added_share=addition.share if addition.enabled else 0.0,
            max_summands=addition.max_summands,
            max_count=MAX_COUNT,
            exact=self.counts_add_exactly,
            generator=draw,
        )
