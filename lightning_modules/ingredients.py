"""The ingredients of the semi-supervised recipe: each a switch in the YAML, its knobs and its loss.

B clips, S sums, T samples, F mel bands, L frames, N outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from lightning_modules import augment, mixing, views
from lightning_modules.alignment import PseudoLabelStatistics
from lightning_modules.objective import Objective
from lightning_modules.optimiser import OptimiserName
from lightning_modules.ranges import MOST_SPEED, check_range
from search_spaces.clip import CLIP_SECONDS, MAX_COUNT
from search_spaces.errors import UserError

if TYPE_CHECKING:
    from lightning_modules.sap_augment import Strengths

Draws = Callable[[str], torch.Generator]  # a generator for each purpose


@dataclass(frozen=True)
class Optimisation:
    """AdamW or Muon, with linear warm-up and a cosine that ends at zero.

    Attributes:
        optimiser: ``muon`` needs fewer steps where labelled clips are many (docs/training.md); see
            `optimiser.make_optimiser`.
        learning_rate: at its peak.
        weight_decay: of the weights of convolutions and linear layers, not of norms and biases.
        warm_up_steps: optimiser steps until the peak.
    """

    optimiser: OptimiserName = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    warm_up_steps: int = 200

    def __post_init__(self) -> None:
        check_range("optimisation.learning_rate", self.learning_rate, 1e-8, 1.0)
        check_range("optimisation.weight_decay", self.weight_decay, 0.0, 10.0)
        check_range("optimisation.warm_up_steps", self.warm_up_steps, 0)


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
class WeakAugmentation:
    """What every clip undergoes before it is summed, labelled by the teacher or learned from.

    Attributes:
        speed: clips are played up to so much faster or slower; 0 for none.
        rotate: clips are rotated in time, so that their end may come before their beginning, and a
            faster one begins again where it ends.
    """

    speed: float = 0.1
    rotate: bool = True

    def __post_init__(self) -> None:
        check_range("weak_augmentation.speed", self.speed, 0.0, MOST_SPEED)

    def __call__(self, waveform: Tensor, generator: torch.Generator) -> Tensor:
        """Clips [B, T] rotated in time and played at another speed."""
        shifted = augment.circular_shift(waveform, generator) if self.rotate else waveform
        if not self.speed:
            return shifted
        return augment.speed_perturb(shifted, self.speed, generator, restart=self.rotate)


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
class StrongAugmentation:
    """What makes the students' task harder than the teacher's.

    Attributes:
        enabled: the switch; without it the students see what the teacher sees.
        labelled_share: of the labelled clips that are augmented too.
        noise_snr_db: range of the added noise's signal to noise ratio.
        noise_probability: share of the augmented clips that get noise.
        equaliser_db: standard deviation of the filter's gain.
        equaliser_probability: share of the augmented clips that are filtered.
        room_probability: share of the augmented clips that get a synthetic room response.
        spec_augment: mask bands and stretches of the features.
        widest_band: widest mask as a share of the mel bands.
        widest_time: widest mask as a share of the frames.
    """

    enabled: bool = True
    labelled_share: float = 0.5
    noise_snr_db: tuple[float, float] = (15.0, 40.0)
    noise_probability: float = 0.3
    equaliser_db: float = 3.0
    equaliser_probability: float = 0.5
    room_probability: float = 0.1
    spec_augment: bool = True
    widest_band: float = 0.15
    widest_time: float = 0.15

    def __post_init__(self) -> None:
        for name in (
            "labelled_share",
            "noise_probability",
            "equaliser_probability",
            "room_probability",
            "widest_band",
            "widest_time",
        ):
            check_range(f"strong_augmentation.{name}", getattr(self, name), 0.0, 1.0)
        check_range("strong_augmentation.equaliser_db", self.equaliser_db, 0.0, 40.0)
        low, high = self.noise_snr_db
        if low > high:
            raise UserError(
                f"model.strong_augmentation.noise_snr_db: got [{low}, {high}], expected the lower"
                " end first"
            )

    def chosen(self, num_labelled: int, num_unlabelled: int) -> list[int]:
        """Which clips are augmented: evenly spread labelled ones, all unlabelled ones."""
        share = self.labelled_share if self.enabled else 0.0
        labelled = [i for i in range(num_labelled) if int((i + 1) * share) > int(i * share)]
        unlabelled = range(num_labelled, num_labelled + num_unlabelled) if self.enabled else ()
        return [*labelled, *unlabelled]

    def features(
        self,
        features: Tensor,
        chosen: Tensor,
        draws: Draws,
        clip_seconds: float = CLIP_SECONDS,
        strengths: Strengths | None = None,
    ) -> Tensor:
        """Augment the features [B, 1, F, L] of the clips at the indices ``chosen``.

        The same draws make of a clip's features by two front ends the same change.
        ``strengths`` are those of the chosen ones (see `sap_augment`); None for full strength.
        """
        if len(chosen) == 0:
            return features
        changed = augment.strong_augment(
            features[chosen],
            draws("strong"),
            noise_snr_db=self.noise_snr_db,
            equaliser_db=self.equaliser_db,
            noise_probability=self.noise_probability,
            equaliser_probability=self.equaliser_probability,
            room_probability=self.room_probability,
            clip_seconds=clip_seconds,
            strengths=strengths,
        )
        if self.spec_augment:
            changed = augment.spec_augment(
                changed,
                draws("masks"),  # the noise has drawn more often the more bands and frames
                widest_band=self.widest_band,
                widest_time=self.widest_time,
                strength=None if strengths is None else strengths.masks,
            )
        return features.index_copy(0, chosen, changed)


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
