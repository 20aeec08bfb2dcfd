"""The ingredients of the semi-supervised recipe: new clips with labels, and losses on them.

Each is a switch in the YAML with its knobs; what changes clips alone is in `augmentations`.

B clips, S sums, T samples, N outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lightning_modules import mixing, views
from lightning_modules.alignment import PseudoLabelStatistics
from lightning_modules.objective import Objective
from lightning_modules.ranges import check_range
from search_spaces.clip import MAX_COUNT
from search_spaces.errors import UserError


@dataclass(frozen=True)
class LabelledLoss:
    """Likelihood of the label plus, for ordered outputs, squared earth mover's distance.

    Attributes:
        emd_weight: of the second against the first; 0 for outputs without order.
        answers_share: of other nets' answers (`data.answers`), where there are any, in the target;
            the rest is the label.
    """

    emd_weight: float = 1.0
    answers_share: float = 0.5

    def __post_init__(self) -> None:
        check_range("labelled_loss.emd_weight", self.emd_weight, 0.0, 1e3)
        check_range("labelled_loss.answers_share", self.answers_share, 0.0, 1.0)


@dataclass(frozen=True)
class CountAddition:
    """New labelled clips by summing labelled clips.

    Attributes:
        enabled: the switch.
        share: of the labelled clips of a batch that are replaced by sums.
        max_summands: clips with speech in one sum at most.
    """

    enabled: bool = True
    share: float = 0.5
    max_summands: int = 5

    def __post_init__(self) -> None:
        check_range("count_addition.share", self.share, 0.0, 1.0)
        check_range("count_addition.max_summands", self.max_summands, 2, MAX_COUNT)


@dataclass(frozen=True)
class Mixing:
    """New labelled clips out of two, with the labels of both in proportion.

    Attributes:
        enabled: the switch.
        kind: ``mixup`` sounds both throughout, ``cutmix`` one after the other.
        share: of the labelled clips of a batch that are replaced.
        alpha: of the beta distribution of the shares; the larger, the more even.
    """

    enabled: bool = False
    kind: Literal["mixup", "cutmix"] = "mixup"
    share: float = 0.5
    alpha: float = 0.5

    def __post_init__(self) -> None:
        check_range("mixing.share", self.share, 0.0, 1.0)
        check_range("mixing.alpha", self.alpha, 0.01, 100.0)

    def view(
        self, waveform: Tensor, target: Tensor, generator: torch.Generator
    ) -> views.TargetView | None:
        """The first ``share`` of clips [B, T], each mixed with another one; None for none.

        Args:
            waveform: float32 [B, T].
            target: [B, N], probabilities that the labels make.
            generator: on the device of ``waveform``.
        """
        number = round(self.share * len(waveform)) if self.enabled else 0
        if not number:
            return None
        other = torch.randperm(len(waveform), generator=generator, device=waveform.device)[:number]
        share = mixing.draw_shares(number, self.alpha, generator)
        first, second = waveform[:number], waveform[other]
        if self.kind == "mixup":
            mixed = mixing.mixup(first, second, share)
        else:
            mixed = mixing.cutmix(first, second, share, generator)
        targets = torch.lerp(target[other], target[:number], share[:, None])
        return views.TargetView(mixed, targets, torch.ones_like(share))


@dataclass(frozen=True)
class PseudoLabels:
    """The teacher labels the unlabelled clips of which it is confident.

    Attributes:
        enabled: the switch.
        weight: of the loss.
        threshold: smallest probability of what the teacher says (`Objective.sure`).
        hard: the likeliest output as target instead of the whole distribution.
        alignment: how far the teacher's distributions are aligned with those of the labels, from 0,
            not at all, to 1 (`alignment.PseudoLabelStatistics.align`).
        flexible: a lower threshold for outputs of which little is learned yet
            (`alignment.PseudoLabelStatistics.thresholds`).
    """

    enabled: bool = True
    weight: float = 1.0
    threshold: float = 0.8
    hard: bool = False
    alignment: float = 0.0
    flexible: bool = False

    def __post_init__(self) -> None:
        check_range("pseudo_labels.alignment", self.alignment, 0.0, 1.0)
        check_range("pseudo_labels.weight", self.weight, 0.0, 1e3)
        check_range("pseudo_labels.threshold", self.threshold, 0.0, 1.0)

    def statistics(self, objective: Objective) -> PseudoLabelStatistics | None:
        """What `view` needs to have been told of the steps so far, if anything.

        Raises:
            UserError: it is asked for where several outputs may be right: no distribution, then.
        """
        if not self.enabled or not (self.alignment > 0 or self.flexible):
            return None
        if objective.task.several:
            raise UserError(
                "model.pseudo_labels: alignment and flexible need one label per clip, the data"
                " have several; set alignment to 0 and flexible to false"
            )
        return PseudoLabelStatistics(len(objective.task.outputs))

    def view(
        self,
        waveform: Tensor,
        probabilities: Tensor,
        objective: Objective,
        statistics: PseudoLabelStatistics | None,
    ) -> views.TargetView:
        """Clips [B, T] with the targets that the teacher's probabilities [B, N] make."""
        threshold: float | Tensor = self.threshold
        if statistics is not None:
            probabilities = statistics.align(probabilities, self.alignment)
            if self.flexible:
                threshold = statistics.thresholds(self.threshold)[probabilities.argmax(dim=1)]
        sure = objective.sure(probabilities, threshold, views.near(objective.task))
        target = objective.harden(probabilities) if self.hard else probabilities
        return views.TargetView(waveform, target, sure.to(probabilities.dtype))


@dataclass(frozen=True)
class Additivity:
    """The distribution of a sum of unlabelled clips must follow from those of its parts.

    Attributes:
        enabled: the switch.
        weight: of the loss.
        share: sums per unlabelled clip.
        max_summands: clips with speech in one sum at most.
        threshold: smallest probability of a part's likeliest count.
    """

    enabled: bool = True
    weight: float = 1.0
    share: float = 0.5
    max_summands: int = 5
    threshold: float = 0.7

    def __post_init__(self) -> None:
        check_range("additivity.weight", self.weight, 0.0, 1e3)
        check_range("additivity.share", self.share, 0.0, 4.0)
        check_range("additivity.max_summands", self.max_summands, 2, MAX_COUNT)
        check_range("additivity.threshold", self.threshold, 0.0, 1.0)

    def view(
        self, waveform: Tensor, probabilities: Tensor, generator: torch.Generator
    ) -> views.SumView | None:
        """Sums of clips [B, T], with what the teacher's probabilities [B, N] say of them.

        None where ``share`` of the clips is not one sum: no loss has a mean over none.
        """
        num_sums = round(self.share * len(waveform))
        if not num_sums:
            return None
        return views.sum_view(
            waveform,
            probabilities,
            num_sums=num_sums,
            max_summands=self.max_summands,
            threshold=self.threshold,
            generator=generator,
        )


@dataclass(frozen=True)
class Distillation:
    """The sampled subnets learn from the largest net's distribution, on every clip of the step.

    Attributes:
        enabled: the switch; without it they learn from labels and targets as the largest does.
        weight: of the mean loss of the sampled subnets.
    """

    enabled: bool = True
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_range("distillation.weight", self.weight, 0.0, 1e3)


@dataclass(frozen=True)
class Proximity:
    """How an embedding without a teacher is told that clips of one recording belong together.

    Attributes:
        loss: ``triplet``, of TRILL (Shor et al. 2020), or ``contrastive``, over the whole batch, of
            COLA (Saeed et al. 2021).
        margin: of triplets, by which a clip of another recording must be farther, as a squared
            distance of embeddings of length 1 (0 to 4).
        temperature: of ``contrastive``, divisor of cosines before the softmax.
    """

    loss: Literal["triplet", "contrastive"] = "triplet"
    margin: float = 0.2
    temperature: float = 0.2

    def __post_init__(self) -> None:
        check_range("proximity.margin", self.margin, 0.0, 4.0)
        check_range("proximity.temperature", self.temperature, 0.01, 10.0)
