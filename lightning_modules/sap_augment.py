"""SapAugment: how strongly a clip is augmented follows from how hard it is (Hu et al. 2021).

Hu, Shrivastava, Chang, Koppula & Tuzel, "SapAugment: Learning a Sample Adaptive Policy for Data
Augmentation", ICASSP 2021. An easy clip bears more than a hard one. The policy of each augmentation
has two numbers, which the paper learns by Bayesian optimisation of the validation error; here an
NNI experiment does (`search_spaces/experiments/folder.yml`, docs/classes.md).

B clips of a step that are augmented, N outputs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from lightning_modules.ranges import check_range


@dataclass(frozen=True)
class Strengths:
    """How strongly each clip undergoes each augmentation, [B] each, from 0, not at all, to 1."""

    noise: Tensor
    equaliser: Tensor
    room: Tensor
    masks: Tensor


@dataclass(frozen=True)
class Policy:
    """Strength of one augmentation against the rank of a clip's loss in its step.

    Attributes:
        sharpness: s of the paper: small values let the strength fall evenly from the easiest clip
            to the hardest, large ones at once.
        mildness: a of the paper: about this share of the clips, the hardest, is augmented less than
            half as strongly as can be.
    """

    sharpness: float = 4.0
    mildness: float = 0.3

    def __post_init__(self) -> None:
        check_range("sap_augment: sharpness", self.sharpness, 0.1, 1000.0)
        check_range("sap_augment: mildness", self.mildness, 0.01, 0.99)

    def strengths(self, number: int) -> Tensor:
        """Float32 [B = ``number``], of the easiest clip first.

        ``f(l) = 1 - I(l; s (1 - a), s a)`` with the regularised incomplete beta function I and the
        rank l in 0..1 (section 3.1).
        """
        from scipy.special import betainc

        rank = (torch.arange(number) + 0.5) / number
        s, a = self.sharpness, self.mildness
        return torch.from_numpy(1.0 - betainc(s * (1.0 - a), s * a, rank.double().numpy())).float()


@dataclass(frozen=True)
class SapAugment:
    """The strong augmentation's strength by clip, instead of one for all.

    Attributes:
        enabled: the switch; costs the teacher a pass over the labelled clips.
        noise, equaliser, room, masks: the policy of each.
    """

    enabled: bool = False
    noise: Policy = Policy()
    equaliser: Policy = Policy()
    room: Policy = Policy()
    masks: Policy = Policy()

    def strengths(self, difficulty: Tensor) -> Strengths:
        """By the difficulty [B] of each clip, e.g. its loss; only their order matters."""
        order = difficulty.argsort(stable=True)
        by_name = {}
        for field in fields(Strengths):
            policy: Policy = getattr(self, field.name)
            strengths = policy.strengths(len(difficulty)).to(difficulty.device)
            by_name[field.name] = torch.empty_like(strengths).index_copy_(0, order, strengths)
        return Strengths(**by_name)
