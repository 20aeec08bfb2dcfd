from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from lightning_modules.augmentations import StrongAugmentation, WeakAugmentation
from lightning_modules.ingredients import (
    Additivity,
    CountAddition,
    Distillation,
    LabelledLoss,
    Mixing,
    PseudoLabels,
)
from lightning_modules.optimiser import Optimisation
from lightning_modules.randomness import torch_generator
from lightning_modules.recipe import Recipe, StudentBatch
from search_spaces.errors import UserError
from search_spaces.task_counts import CountsTask

T, N = 80_000, 11


def recipe(**changes: object) -> Recipe:
    everything = Recipe(
        task=CountsTask(),
        labelled_loss=LabelledLoss(),
        weak_augmentation=WeakAugmentation(),
        count_addition=CountAddition(),
        mixing=Mixing(),
        strong_augmentation=StrongAugmentation(),
        pseudo_labels=PseudoLabels(),
        additivity=Additivity(),
        distillation=Distillation(),
        ramp_up_steps=9,
        counts_add_exactly=True,
    )
    return replace(everything, **changes)


def teach(waveform: torch.Tensor) -> torch.Tensor:
    counts = torch.arange(len(waveform)) % 4
    return torch.nn.functional.one_hot(counts, N).float() * 0.989 + 0.001


def seen_by(made: Recipe, step: int = 0, distils: bool = False) -> StudentBatch:
    draw = torch.Generator().manual_seed(3)
    labels = torch.tensor([0, 1, 2, 5])
    batch = {
        "labelled": {"waveform": torch.randn(4, T, generator=draw), "lo": labels, "hi": labels},
        "unlabelled": {"waveform": torch.randn(6, T, generator=draw)},
    }
    return made.student_batch(batch, teach, partial(torch_generator, 1, step), distils=distils)


def test_a_step_holds_labelled_pseudo_labelled_and_summed_clips():
    seen = seen_by(recipe())
    assert seen.sizes == [4, 6, 3]
    assert seen.waveform.shape == (13, T)
    assert seen.strong.tolist() == [1, 3, *range(4, 13)]
    losses = recipe().losses(torch.zeros(13, N), seen)
    assert list(losses) == ["labelled", "pseudo_labels", "additivity"]


def test_aligned_pseudo_labels_take_in_each_step_and_move_towards_the_labels():
    made = recipe(pseudo_labels=PseudoLabels(alignment=1.0, flexible=True))
    statistics = made.pseudo_labels.statistics(made.objective)
    labels = torch.tensor([0, 0, 0, 1])
    batch = {
        "labelled": {"waveform": torch.randn(4, T), "lo": labels, "hi": labels},
        "unlabelled": {"waveform": torch.randn(6, T)},
    }
    targets = [
        made.student_batch(
            batch, teach, lambda purpose: torch_generator(1, 0, purpose), statistics
        ).pseudo.target
        for _ in range(300)
    ]
    assert statistics.labels[0] > 0.6
    assert targets[-1][:, 0].mean() > targets[0][:, 0].mean()
    assert recipe().pseudo_labels.statistics(made.objective) is None


def test_a_step_follows_from_its_number():
    assert torch.equal(seen_by(recipe(), 5).waveform, seen_by(recipe(), 5).waveform)
    assert not torch.equal(seen_by(recipe(), 5).waveform, seen_by(recipe(), 6).waveform)


@pytest.mark.parametrize(
    ("changes", "sizes"),
    [
        ({"pseudo_labels": PseudoLabels(enabled=False)}, [4, 3]),
        ({"additivity": Additivity(enabled=False)}, [4, 6]),
        ({"additivity": Additivity(share=1.0)}, [4, 6, 6]),
        ({"additivity": Additivity(share=0.08)}, [4, 6]),  # not one sum
    ],
)
def test_each_ingredient_is_a_switch(changes: dict[str, object], sizes: list[int]):
    seen = seen_by(recipe(**changes))
    assert seen.sizes == sizes
    losses = recipe(**changes).losses(torch.zeros(sum(sizes), N), seen)
    assert losses["labelled"] > 0
    assert all(loss.isfinite() for loss in losses.values())


def test_without_strong_augmentation_no_clip_is_changed_but_in_level():
    made = recipe(
        strong_augmentation=StrongAugmentation(enabled=False),
        count_addition=CountAddition(enabled=False),
    )
    seen = seen_by(made)
    assert len(seen.strong) == 0
    shifted = seen.labelled.waveform
    ratio = seen.waveform[:4].abs().amax(dim=1) / shifted.abs().amax(dim=1)
    torch.testing.assert_close(seen.waveform[:4], shifted * ratio[:, None])


def test_without_a_change_of_speed_clips_are_only_rotated_and_set_in_level():
    still = recipe(
        weak_augmentation=WeakAugmentation(speed=0.0), count_addition=CountAddition(enabled=False)
    )
    spectrum = torch.fft.rfft(seen_by(still).labelled.waveform).abs()
    before = torch.randn(4, T, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(spectrum, torch.fft.rfft(before).abs(), rtol=1e-3, atol=1e-2)


def test_the_teacher_is_not_asked_when_nobody_listens():
    made = recipe(pseudo_labels=PseudoLabels(enabled=False), additivity=Additivity(enabled=False))

    def refuse(waveform: torch.Tensor) -> torch.Tensor:
        raise AssertionError

    labels = torch.tensor([0, 1])
    batch = {
        "labelled": {"waveform": torch.randn(2, T), "lo": labels, "hi": labels},
        "unlabelled": {"waveform": torch.randn(2, T)},
    }
    draws = partial(torch_generator, 1, 0)
    assert made.student_batch(batch, refuse, draws).sizes == [2]
    # A net that learns from another one still hears the unlabelled clips, strongly augmented.
    seen = made.student_batch(batch, refuse, draws, distils=True)
    assert seen.sizes == [2, 2]
    assert seen.strong.tolist() == [1, 2, 3]
    assert list(made.losses(torch.zeros(4, N), seen)) == ["labelled"]


@pytest.mark.parametrize(
    ("changes", "sizes"),
    [({}, [4, 6, 3]), ({"pseudo_labels": PseudoLabels(enabled=False)}, [4, 3])],
)
def test_clips_that_an_ingredient_takes_are_not_seen_once_more(
    changes: dict[str, object], sizes: list[int]
):
    assert seen_by(recipe(**changes), distils=True).sizes == sizes


def test_the_losses_on_unlabelled_clips_ramp_up():
    parts = {name: torch.tensor(1.0) for name in ("labelled", "pseudo_labels", "additivity")}
    made = recipe(pseudo_labels=PseudoLabels(weight=2.0))
    assert made.total(parts, step=0).item() == pytest.approx(1 + 0.1 * 3)
    assert made.total(parts, step=500).item() == pytest.approx(4)


def test_in_rooms_a_sum_between_its_bounds_costs_nothing():
    made = recipe(counts_add_exactly=False)
    seen = seen_by(made)
    between = (seen.sums.lower + seen.sums.upper) / 2
    steps = torch.diff(between, dim=1, prepend=torch.zeros(3, 1)).clamp_min(1e-9)
    logits = torch.cat([torch.zeros(10, N), (steps / steps.sum(dim=1, keepdim=True)).log()])
    assert made.losses(logits, seen)["additivity"] < 1e-4
    assert made.losses(logits.flip(1), seen)["additivity"] > 0.1


def test_distillation_pulls_towards_the_largest_and_not_back():
    largest = torch.randn(3, N, requires_grad=True)
    subnet = torch.zeros(3, N, requires_grad=True)
    recipe().objective.distil(subnet, largest).backward()
    assert subnet.grad.abs().sum() > 0
    assert largest.grad is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Optimisation(learning_rate=-1), "model.optimisation.learning_rate: got -1, exp"),
        (lambda: LabelledLoss(emd_weight=-1), "model.labelled_loss.emd_weight: got -1, expected"),
        (lambda: CountAddition(max_summands=1), "model.count_addition.max_summands: got 1, expec"),
        (lambda: PseudoLabels(threshold=2), "model.pseudo_labels.threshold: got 2, expected 0.0"),
        (lambda: PseudoLabels(alignment=2), "model.pseudo_labels.alignment: got 2, expected 0.0"),
        (lambda: Additivity(share=9), "model.additivity.share: got 9, expected 0.0 to 4.0"),
        (lambda: Distillation(weight=-2), "model.distillation.weight: got -2, expected 0.0 to"),
        (
            lambda: WeakAugmentation(speed=2),
            "model.weak_augmentation.speed: got 2, expected 0.0 to",
        ),
        (lambda: StrongAugmentation(widest_band=3), "model.strong_augmentation.widest_band: got 3"),
        (lambda: StrongAugmentation(noise_snr_db=(9, 1)), r"noise_snr_db: got \[9, 1\], expected"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(make, message: str):
    with pytest.raises(UserError, match=message):
        make()
