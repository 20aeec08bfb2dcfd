from __future__ import annotations

import torch

from lightning_modules import views
from lightning_modules.ingredients import PseudoLabels
from lightning_modules.objective import objective_of
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask

N = 11


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def sure(*counts: int, probability: float = 0.97) -> torch.Tensor:
    rest = (1 - probability) / (N - 1)
    result = torch.full((len(counts), N), rest)
    result[range(len(counts)), list(counts)] = probability
    return result


def labelled(share: float, counts: list[int], exact: bool = True) -> views.LabelledView:
    labels = torch.tensor(counts)
    clips = torch.randn(len(counts), 500)
    return views.labelled_view(clips, labels, labels, share, 4, 10, exact, generator())


def test_a_share_of_the_labelled_clips_is_replaced_by_sums():
    counts = [1, 2, 3, 0, 1, 2, 1, 5]
    view = labelled(0.5, counts)
    assert view.waveform.shape == (8, 500)
    assert view.lo[4:].tolist() == counts[4:]
    assert torch.equal(view.lo, view.hi)
    assert view.hi.max() <= 10


def test_without_addition_only_the_clips_themselves_are_left():
    view = labelled(0.0, [4, 0])
    assert view.lo.tolist() == [4, 0]


def test_in_rooms_a_sum_of_several_has_an_interval():
    view = labelled(1.0, [1, 1, 1, 1, 2, 2], exact=False)
    assert (view.lo <= view.hi).all()
    assert (view.lo < view.hi).any()
    assert view.lo.max() <= 2


def test_one_clip_that_cannot_be_added_is_kept():
    view = labelled(1.0, [10])
    assert view.lo.tolist() == [10]
    assert view.waveform.abs().max() > 0


def test_a_neighbouring_count_is_as_good_for_confidence():
    probabilities = torch.zeros(1, N)
    probabilities[0, 7:9] = 0.5
    counts = objective_of(CountsTask())
    assert not counts.sure(probabilities, 0.6, radius=0)
    assert counts.sure(probabilities, 0.99, radius=1)
    assert views.near(CountsTask()) == 1
    assert views.near(ClassesTask(("a", "b"))) == 0


def test_pseudo_labels_of_doubtful_clips_weigh_nothing():
    probabilities = torch.cat([sure(3), torch.full((1, N), 1 / N)])
    labels, counts = PseudoLabels(threshold=0.8), objective_of(CountsTask())
    view = labels.view(torch.zeros(2, 5), probabilities, counts, None)
    assert view.weight.tolist() == [1.0, 0.0]
    assert torch.equal(view.target, probabilities)


def test_hard_pseudo_labels_are_certain():
    labels, counts = PseudoLabels(threshold=0.5, hard=True), objective_of(CountsTask())
    view = labels.view(torch.zeros(1, 5), sure(3, probability=0.6), counts, None)
    assert view.target[0].tolist() == [float(count == 3) for count in range(N)]


def test_sums_of_sure_clips_have_the_distribution_of_the_sum():
    view = views.sum_view(torch.randn(6, 500), sure(1, 1, 2, 2, 3, 1), 40, 4, 0.9, generator())
    assert view.waveform.shape == (40, 500)
    torch.testing.assert_close(view.target.sum(dim=1), torch.ones(40))
    assert (view.weight >= 0).all()
    assert (view.weight <= 1 + 1e-5).all()
    used = view.weight > 0
    assert used.any()
    assert (view.target[used].max(dim=1).values > 0.8).all()
    assert len(set(view.target[used].argmax(dim=1).tolist())) > 4
    assert (view.lower[used] <= view.upper[used] + 1e-5).all()


def test_nothing_is_summed_while_the_teacher_is_unsure():
    unsure = torch.full((5, N), 1 / N)
    view = views.sum_view(torch.randn(5, 500), unsure, 8, 4, 0.9, generator())
    assert view.weight.tolist() == [0.0] * 8
    assert view.waveform.isfinite().all()
