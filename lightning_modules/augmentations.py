"""How clips are changed before the teacher, and then before the students hear them.

Legend: B clips, T samples, F mel bands, L frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_modules import clip_changes
from lightning_modules.randomness import Draws
from lightning_modules.ranges import MOST_SPEED, check_range
from lightning_modules.sap_augment import Strengths
from search_spaces.clip import CLIP_SECONDS
from search_spaces.errors import UserError


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
        shifted = clip_changes.circular_shift(waveform, generator) if self.rotate else waveform
        if not self.speed:
            return shifted
        return clip_changes.speed_perturb(shifted, self.speed, generator, restart=self.rotate)


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
        changed = clip_changes.strong_augment(
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
            changed = clip_changes.spec_augment(
                changed,
                draws("masks"),  # the noise has drawn more often the more bands and frames
                widest_band=self.widest_band,
                widest_time=self.widest_time,
                strength=None if strengths is None else strengths.masks,
            )
        return features.index_copy(0, chosen, changed)
