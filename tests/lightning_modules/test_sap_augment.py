from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules import clip_changes
from lightning_modules.augmentations import StrongAugmentation
from lightning_modules.ingredients import Additivity, CountAddition, Mixing, PseudoLabels
from lightning_modules.randomness import torch_generator
from lightning_modules.sap_augment import Policy, SapAugment, Strengths
from search_spaces.errors import UserError
from tests.lightning_modules.test_recipe import recipe, seen_by


@given(st.floats(0.1, 1000.0), st.floats(0.01, 0.99), st.integers(1, 70))
def test_strength_falls_from_the_easiest_clip_to_the_hardest(
    sharpness: float, mildness: float, number: int
):
    strengths = Policy(sharpness, mildness).strengths(number)
    assert strengths.shape == (number,)
    assert ((strengths >= 0) & (strengths <= 1)).all()
    assert (strengths.diff() <= 1e-6).all()


def test_the_policy_is_that_of_the_paper_where_it_can_be_told_by_hand():
    # s = 2, a = 1/2: the incomplete beta function of (1, 1) is its argument.
    assert Policy(2.0, 0.5).strengths(4).tolist() == pytest.approx([0.875, 0.625, 0.375, 0.125])
    sharp = Policy(1000.0, 0.3).strengths(10)  # a step at the rank 0.7
    assert sharp.round().tolist() == [1.0] * 7 + [0.0] * 3


def test_each_clip_has_the_strength_of_its_rank():
    policy = Policy(2.0, 0.5)
    found = SapAugment(True, noise=policy).strengths(torch.tensor([3.0, 0.1, 9.0, 1.0]))
    assert found.noise.tolist() == pytest.approx([0.375, 0.875, 0.125, 0.625])
    assert found.masks.tolist() != found.noise.tolist()


def uniform_strengths(value: float, number: int) -> Strengths:
    return Strengths(*(torch.full((number,), value) for _ in range(4)))


def test_strength_one_is_the_usual_augmentation_and_nought_is_none():
    features = torch.rand(6, 1, 20, 30, generator=torch.Generator().manual_seed(1))
    strong = StrongAugmentation(
        noise_probability=1.0, equaliser_probability=1.0, room_probability=1.0
    )
    chosen = torch.arange(6)

    def augmented(strengths: Strengths | None) -> torch.Tensor:
        draws = partial(torch_generator, 2, 0)
        return strong.features(features, chosen, draws, strengths=strengths)

    usual = augmented(None)
    assert torch.allclose(augmented(uniform_strengths(1.0, 6)), usual, atol=1e-5)
    energy = torch.expm1(features)
    kept = torch.log1p(
        energy / (clip_changes.RELATIVE_FLOOR * energy.mean(dim=(1, 2, 3), keepdim=True))
    )
    assert torch.allclose(augmented(uniform_strengths(0.0, 6)), kept, atol=1e-3)
    between = augmented(uniform_strengths(0.3, 6))
    assert (between - kept).abs().mean() < (usual - kept).abs().mean()


def test_clips_that_the_teacher_names_surely_and_rightly_are_augmented_most():
    made = recipe(sap_augment=SapAugment(enabled=True))
    seen = seen_by(made)
    assert seen.strengths is not None
    assert len(seen.strengths.noise) == len(seen.strong)
    # The teacher says 0, 1, 2, 3 of the four labelled clips, of which the last has five people.
    labelled = [place for place, at in enumerate(seen.strong.tolist()) if at < 4]
    hardest = seen.strengths.noise[labelled].argmin()
    assert seen.strong[labelled][hardest] == 3
    assert seen_by(recipe()).strengths is None
    mixed = recipe(
        sap_augment=SapAugment(enabled=True),
        mixing=Mixing(enabled=True, share=1.0),
        count_addition=CountAddition(enabled=False),
    )
    assert seen_by(mixed).strengths is not None  # no labelled clip is left as it was
    distilled = recipe(
        sap_augment=SapAugment(enabled=True),
        pseudo_labels=PseudoLabels(enabled=False),
        additivity=Additivity(enabled=False),
    )
    seen = seen_by(distilled, distils=True)
    assert seen.strengths is not None
    assert len(seen.strengths.noise) == len(seen.strong) == 8  # two labelled, six unlabelled
    off = recipe(
        sap_augment=SapAugment(enabled=True), strong_augmentation=StrongAugmentation(enabled=False)
    )
    assert seen_by(off).strengths is None


@pytest.mark.parametrize(
    ("sharpness", "mildness", "message"),
    [
        (0.0, 0.5, "model.sap_augment: sharpness: got 0.0, expected 0.1 to 1000.0"),
        (4.0, 1.0, "model.sap_augment: mildness: got 1.0, expected 0.01 to 0.99"),
    ],
)
def test_a_policy_out_of_range_is_refused(sharpness: float, mildness: float, message: str):
    with pytest.raises(UserError, match=message):
        Policy(sharpness, mildness)
