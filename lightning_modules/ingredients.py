"""The ingredients of the semi-supervised recipe: each a switch in the YAML, its knobs and its loss.

B clips, S sums, T samples, F mel bands, L frames, N number of counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lightning_modules import augment, losses, views
from lightning_modules.alignment import PseudoLabelStatistics
from search_spaces.clip import MAX_COUNT
from search_spaces.errors import UserError


def check_range(field: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuse a value outside [low, high].

    Raises:
        UserError: naming the field below ``model``, the value and the range.
    """
    if not low <= value <= high:
        allowed = f"at least {low}" if high == float("inf") else f"{low} to {high}"
        raise UserError(f"model.{field}: got {value}, expected {allowed}")


@dataclass(frozen=True)
class Optimisation:
    """AdamW with linear warm-up and a cosine that ends at zero.

    Attributes:
        learning_rate: at its peak.
        weight_decay: of the weights of convolutions and linear layers, not of norms and biases.
        warm_up_steps: optimiser steps until the peak.
    """

    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    warm_up_steps: int = 200

    def __post_init__(self) -> None:
        check_range("optimisation.learning_rate", self.learning_rate, 1e-8, 1.0)
        check_range("optimisation.weight_decay", self.weight_decay, 0.0, 10.0)
        check_range("optimisation.warm_up_steps", self.warm_up_steps, 0)


@dataclass(frozen=True)
class LabelledLoss:
    """Likelihood of the label's interval plus squared earth mover's distance.

    Attributes:
        emd_weight: of the second against the first.
    """

    emd_weight: float = 1.0

    def __post_init__(self) -> None:
        check_range("labelled_loss.emd_weight", self.emd_weight, 0.0, 1e3)

    def __call__(self, logits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
        """Loss of logits [B, N] against interval labels int64 [B]."""
        likelihood = losses.interval_nll(logits, lo, hi)
        return likelihood + self.emd_weight * losses.interval_squared_emd(logits, lo, hi)

    def soft(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """The same against distributions [B, N] with weights [B]."""
        likelihood = losses.soft_cross_entropy(logits, target, weight)
        return likelihood + self.emd_weight * losses.soft_squared_emd(logits, target, weight)


@dataclass(frozen=True)
class WeakAugmentation:
    """What every clip undergoes before it is summed, labelled by the teacher or learned from.

    Attributes:
        speed: clips are played up to so much faster or slower; 0 for none.
    """

    speed: float = 0.1

    def __post_init__(self) -> None:
        check_range("weak_augmentation.speed", self.speed, 0.0, 0.5)

    def __call__(self, waveform: Tensor, generator: torch.Generator) -> Tensor:
        """Clips [B, T] rotated in time and played at another speed."""
        shifted = augment.circular_shift(waveform, generator)
        return augment.speed_perturb(shifted, self.speed, generator) if self.speed else shifted


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

    def features(self, features: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """Augment the features [B, 1, F, L] of the clips at the indices ``chosen``."""
        if len(chosen) == 0:
            return features
        changed = augment.strong_augment(
            features[chosen],
            generator,
            noise_snr_db=self.noise_snr_db,
            equaliser_db=self.equaliser_db,
            noise_probability=self.noise_probability,
            equaliser_probability=self.equaliser_probability,
            room_probability=self.room_probability,
        )
        if self.spec_augment:
            changed = augment.spec_augment(
                changed, generator, widest_band=self.widest_band, widest_time=self.widest_time
            )
        return features.index_copy(0, chosen, changed)


@dataclass(frozen=True)
class PseudoLabels:
    """The teacher labels the unlabelled clips of which it is confident.

    Attributes:
        enabled: the switch.
        weight: of the loss.
        threshold: smallest probability within one count of the likeliest (`views.confidence`).
        hard: the likeliest count as target instead of the whole distribution.
        alignment: how far the teacher's distributions are aligned with those of the labels, from 0,
            not at all, to 1 (`alignment.PseudoLabelStatistics.align`).
        flexible: a lower threshold for counts of which little is learned yet
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

    def statistics(self) -> PseudoLabelStatistics | None:
        """What `view` needs to have been told of the steps so far, if anything."""
        needed = self.enabled and (self.alignment > 0 or self.flexible)
        return PseudoLabelStatistics() if needed else None

    def view(
        self, waveform: Tensor, probabilities: Tensor, statistics: PseudoLabelStatistics | None
    ) -> views.TargetView:
        """Clips [B, T] with the targets that the teacher's probabilities [B, N] make."""
        threshold: float | Tensor = self.threshold
        if statistics is not None:
            probabilities = statistics.align(probabilities, self.alignment)
            if self.flexible:
                threshold = statistics.thresholds(self.threshold)[probabilities.argmax(dim=1)]
        return views.pseudo_label_view(waveform, probabilities, threshold, self.hard)


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
    ) -> views.SumView:
        """Sums of clips [B, T], with what the teacher's probabilities [B, N] say of them."""
        return views.sum_view(
            waveform,
            probabilities,
            num_sums=round(self.share * len(waveform)),
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

    def __call__(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Cross entropy of [B, N] against the detached distribution of [B, N]."""
        target = functional.softmax(teacher_logits.detach().float(), dim=-1)
        return losses.soft_cross_entropy(student_logits, target)
