"""The recipe of one training step: which clips the students see, and their loss on them.

B labelled clips, U unlabelled clips, S sums of unlabelled clips, T samples, N outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property

import torch
from torch import Tensor

from lightning_modules import clip_changes, losses, views
from lightning_modules.alignment import PseudoLabelStatistics
from lightning_modules.augmentations import StrongAugmentation, WeakAugmentation
from lightning_modules.datamodule_batches import Batch
from lightning_modules.ingredients import (
    Additivity,
    CountAddition,
    Distillation,
    LabelledLoss,
    Mixing,
    Proximity,
    PseudoLabels,
)
from lightning_modules.objective import Objective, objective_of
from lightning_modules.randomness import Draws
from lightning_modules.sap_augment import SapAugment, Strengths
from search_spaces.clip import MAX_COUNT
from search_spaces.errors import UserError
from search_spaces.task import Task
from search_spaces.task_embedding import ProximityTask

View = views.TargetView | views.LabelledView | views.SumView | views.UnlabelledView
_PSEUDO = 2  # place of the clips that the teacher labels among the parts of a step


@dataclass(frozen=True)
class StudentBatch:
    """What the students of one step see, in the order of its parts.

    waveform [B + U + S, T], or features [B, 1, F, L] of clips that come so; strong int64, the
    indices of those that are strongly augmented; the parts: mixed, labelled, pseudo-labelled,
    summed, and unlabelled clips on which there is no loss but distillation's; strengths of the
    strongly augmented ones, None for full strength.
    """

    waveform: Tensor
    strong: Tensor
    mixed: views.TargetView | None
    labelled: views.LabelledView
    pseudo: views.TargetView | None
    sums: views.SumView | None
    unlabelled: views.UnlabelledView | None = None
    strengths: Strengths | None = None

    @property
    def sizes(self) -> list[int]:
        """Clips of each part, in order."""
        parts = (self.mixed, self.labelled, self.pseudo, self.sums, self.unlabelled)
        return [len(part.waveform) for part in parts if part is not None]


@dataclass(frozen=True)
class Recipe:
    """The ingredients together.

    Attributes:
        task: what is learned.
        labelled_loss, count_addition, mixing, pseudo_labels, additivity, distillation: see
            `ingredients`.
        weak_augmentation, strong_augmentation: see `augmentations`.
        sap_augment: see `sap_augment`.
        ramp_up_steps: steps in which the losses on unlabelled clips reach their weights.
        counts_add_exactly: whether a sum of clips holds exactly the sum of their counts.
        proximity: see `ingredients.Proximity`; of an embedding without a teacher alone.

    Raises:
        UserError: an ingredient that makes no sense for the task.
    """

    task: Task
    labelled_loss: LabelledLoss
    weak_augmentation: WeakAugmentation
    count_addition: CountAddition
    mixing: Mixing
    strong_augmentation: StrongAugmentation
    pseudo_labels: PseudoLabels
    additivity: Additivity
    distillation: Distillation
    ramp_up_steps: int
    counts_add_exactly: bool
    sap_augment: SapAugment = field(default_factory=SapAugment)
    proximity: Proximity | None = None

    def __post_init__(self) -> None:
        kind = self.task.kind
        for name in ("count_addition", "additivity"):
            if getattr(self, name).enabled and not self.task.adds:
                raise UserError(
                    f"model.{name}.enabled: true, but {kind} do not add as counts do; set it to"
                    " false (configs/folder.yaml)"
                )
        if self.labelled_loss.emd_weight and not self.task.ordered:
            raise UserError(
                f"model.labelled_loss.emd_weight: got {self.labelled_loss.emd_weight}, but {kind}"
                " have no order; set it to 0 (configs/folder.yaml)"
            )
        for name in ("mixing", "pseudo_labels"):
            if getattr(self, name).enabled and not self.task.probabilistic:
                raise UserError(
                    f"model.{name}.enabled: true, but an {kind} has no probabilities; set it to"
                    " false (configs/frill.yaml)"
                )
        if self.sap_augment.enabled and isinstance(self.task, ProximityTask):
            raise UserError(
                "model.sap_augment.enabled: true, but an embedding without a teacher has no target"
                " that a clip could be hard for; set it to false"
            )

    def refuse_features(self) -> None:
        """Refuse ingredients that need the sound of labelled clips, which come as features.

        Raises:
            UserError: naming the first that is on.
        """
        asked = {
            "count_addition.enabled": self.count_addition.enabled,
            "mixing.enabled": self.mixing.enabled,
            "weak_augmentation.speed": self.weak_augmentation.speed,
        }
        for option, value in asked.items():
            if value:
                off = "0" if isinstance(value, float) else "false"
                raise UserError(
                    f"model.{option}: {value}, which needs sound, but data.held_features brings"
                    f" features; set one of them to {off}"
                )

    @cached_property
    def objective(self) -> Objective:
        """Losses and targets of the task."""
        proximity = asdict(self.proximity or Proximity())
        return objective_of(self.task, self.labelled_loss.emd_weight, proximity)

    @property
    def learns_from_unlabelled(self) -> bool:
        """Whether an ingredient has a loss on unlabelled clips."""
        return self.pseudo_labels.enabled or self.additivity.enabled

    def settings(self) -> dict[str, object]:
        """All of it as plain values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["task"] = self.task.to_json()
        return {
            name: value if isinstance(value, int | float | dict) else asdict(value)
            for name, value in values.items()
            if value is not None
        }

    def student_batch(
        self,
        batch: Batch,
        teach: Callable[[Tensor], Tensor],
        draws: Draws,
        statistics: PseudoLabelStatistics | None = None,
        distils: bool = False,
    ) -> StudentBatch:
        """Perturb and sum the clips, and let the teacher label the unlabelled ones.

        Args:
            batch: ``labelled``: ``waveform`` float32 [B, T] or ``features`` [B, 1, F, L], ``lo``
                and ``hi`` (see `Task`), and perhaps ``answers`` [B, N] of clips that are neither
                mixed nor summed; ``unlabelled``: ``waveform`` float32 [U, T].
            teach: the teacher: weakly augmented float32 [U, T] to distributions [U, N].
            draws: generators on the device of the clips.
            statistics: see `ingredients.PseudoLabels.statistics`; this step is added to them.
            distils: whether a net learns from another one on every clip, so that unlabelled clips
                that no ingredient takes are seen too.
        """
        labels = self.objective.target(batch["labelled"]["lo"], batch["labelled"]["hi"])
        mixed, labelled = self._labelled(batch["labelled"], labels, draws)
        pseudo = sums = unlabelled = probabilities = None
        waveform = batch["unlabelled"]["waveform"]
        if len(waveform) and (self.learns_from_unlabelled or distils):
            draw = draws("unlabelled")
            weak = self.weak_augmentation(waveform, draw)
            if self.learns_from_unlabelled:
                probabilities = teach(weak)
                pseudo, sums = self._taught(weak, probabilities, labels, draw, statistics)
            if distils and pseudo is None and sums is None:
                unlabelled = views.UnlabelledView(weak)
        parts = (mixed, labelled, pseudo, sums, unlabelled)
        waveform = torch.cat([part.waveform for part in parts if part is not None])
        num_labelled = len(labels)
        chosen = self.strong_augmentation.chosen(num_labelled, len(waveform) - num_labelled)
        strong = torch.tensor(chosen, dtype=torch.int64, device=waveform.device)
        strengths = None
        if self.sap_augment.enabled and len(strong):
            difficulty = self._difficulty(parts, teach, probabilities)
            strengths = self.sap_augment.strengths(difficulty[strong])
        waveform = clip_changes.random_level(waveform, draws("level"))
        return StudentBatch(waveform, strong, *parts, strengths)

    def losses(self, logits: Tensor, seen: StudentBatch) -> dict[str, Tensor]:
        """Unweighted loss of each ingredient, for logits [B + U + S, N] of one net."""
        chunks = iter(logits.split(seen.sizes))
        objective, result = self.objective, {}
        if seen.mixed is not None:
            result["mixed"] = objective.soft(next(chunks), seen.mixed.target)
        labelled = seen.labelled
        if labelled.target is not None:
            result["labelled"] = objective.soft(next(chunks), labelled.target)
        elif len(labelled.lo) or seen.mixed is None:
            result["labelled"] = objective.labelled(next(chunks), labelled.lo, labelled.hi)
        else:  # all of them are mixed
            next(chunks)
        if seen.pseudo is not None:
            result["pseudo_labels"] = objective.soft(
                next(chunks), seen.pseudo.target, seen.pseudo.weight
            )
        if seen.sums is not None:
            sums, chunk = seen.sums, next(chunks)
            if self.counts_add_exactly:
                result["additivity"] = objective.soft(chunk, sums.target, sums.weight)
            else:
                result["additivity"] = losses.cumulative_bounds_loss(
                    chunk, sums.lower, sums.upper, sums.weight
                )
        return result

    def total(self, parts: dict[str, Tensor], step: int) -> Tensor:
        """Weighted sum of `losses` in this step."""
        ramp = min(1.0, (step + 1) / (self.ramp_up_steps + 1))
        share = self.mixing.share if "mixed" in parts else 0.0
        weights = {
            "mixed": share,
            "labelled": 1.0 - share,
            "pseudo_labels": ramp * self.pseudo_labels.weight,
            "additivity": ramp * self.additivity.weight,
        }
        return torch.stack([weights[name] * part for name, part in parts.items()]).sum()

    def _taught(
        self,
        weak: Tensor,
        probabilities: Tensor,
        labels: Tensor,
        draw: torch.Generator,
        statistics: PseudoLabelStatistics | None,
    ) -> tuple[views.TargetView | None, views.SumView | None]:
        """What the teacher's probabilities [U, N] make of weakly augmented clips [U, T]."""
        pseudo = sums = None
        if statistics is not None:
            threshold = self.pseudo_labels.threshold
            sure = self.objective.sure(probabilities, threshold, views.near(self.task))
            statistics.update(labels, probabilities, sure)
        if self.pseudo_labels.enabled:
            pseudo = self.pseudo_labels.view(weak, probabilities, self.objective, statistics)
        if self.additivity.enabled:
            sums = self.additivity.view(weak, probabilities, draw)
        return pseudo, sums

    def _difficulty(
        self,
        parts: Sequence[View | None],
        teach: Callable[[Tensor], Tensor],
        unlabelled: Tensor | None,
    ) -> Tensor:
        """The teacher's loss on each clip before it is augmented, in the order of the parts.

        Of unlabelled clips, of which it said ``unlabelled`` [U, N], that is how unsure it is.
        """
        difficulty = []
        for place, part in enumerate(parts):
            if part is None or not len(part.waveform):  # all labelled clips may be mixed
                continue
            weak = place == _PSEUDO or isinstance(part, views.UnlabelledView)
            known = unlabelled if weak else None  # which the teacher may have been asked about
            said = teach(part.waveform) if known is None else known
            if isinstance(part, views.LabelledView):
                target = self.objective.target(part.lo, part.hi)
            elif isinstance(part, views.UnlabelledView):
                target = said
            else:
                target = part.target
            difficulty.append(self.objective.surprise(said, target))
        return torch.cat(difficulty)

    def _labelled(
        self, clips: dict[str, Tensor], labels: Tensor, draws: Draws
    ) -> tuple[views.TargetView | None, views.LabelledView]:
        addition, draw = self.count_addition, draws("labelled")
        given = clips["features"] if "features" in clips else clips["waveform"]
        waveform, lo, hi = self.weak_augmentation(given, draw), clips["lo"], clips["hi"]
        if "answers" in clips:
            target = torch.lerp(labels, clips["answers"], self.labelled_loss.answers_share)
            return None, views.LabelledView(waveform, lo, hi, target)
        mixed = self.mixing.view(waveform, labels, draws("mixing"))
        if mixed is not None:
            taken = len(mixed.waveform)
            waveform, lo, hi = waveform[taken:], lo[taken:], hi[taken:]
        return mixed, views.labelled_view(
            waveform,
            lo,
            hi,
            added_share=addition.share if addition.enabled else 0.0,
            max_summands=addition.max_summands,
            max_count=MAX_COUNT,
            exact=self.counts_add_exactly,
            generator=draw,
        )
