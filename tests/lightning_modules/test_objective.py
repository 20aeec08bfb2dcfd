from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from lightning_modules.objective import objective_of
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask

ONE = objective_of(ClassesTask(("a", "b", "c")))
SEVERAL = objective_of(ClassesTask(("a", "b", "c"), several=True))


def test_of_one_class_the_loss_is_the_cross_entropy():
    logits, labels = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])
    expected = functional.cross_entropy(logits, labels)
    assert ONE.labelled(logits, labels, labels).item() == pytest.approx(expected.item())
    assert ONE.soft(logits, ONE.target(labels, labels)).item() == pytest.approx(expected.item())


def test_of_several_classes_each_has_its_own_loss_and_unknown_ones_none():
    logits = torch.randn(2, 3)
    lo, hi = torch.tensor([[1, 0, 0], [0, 1, 1]]), torch.tensor([[1, 0, 1], [0, 1, 1]])
    each = functional.binary_cross_entropy_with_logits(logits, lo.float(), reduction="none")
    each[0, 2] = 0.0  # its label is [0, 1]: unknown
    loss = SEVERAL.labelled(logits, lo, hi).item()
    assert loss == pytest.approx(each.sum(dim=1).mean().item())


def test_counts_alone_know_how_far_off_an_output_is():
    near, far = torch.zeros(1, 11), torch.zeros(1, 11)
    near[0, 4], far[0, 10] = 5.0, 5.0
    label = torch.tensor([3])
    counts = objective_of(CountsTask(), emd_weight=1.0)
    assert counts.labelled(near, label, label) < counts.labelled(far, label, label)


def test_a_teacher_is_sure_of_a_class_or_of_each_of_several():
    said = torch.tensor([[0.9, 0.05, 0.05], [0.5, 0.45, 0.05]])
    assert ONE.sure(said, 0.8, radius=0).tolist() == [True, False]
    assert SEVERAL.sure(said, 0.8, radius=0).tolist() == [[True, True, True], [False, False, True]]
    assert ONE.harden(said).tolist() == [[1, 0, 0], [1, 0, 0]]
    assert SEVERAL.harden(said).tolist() == [[1, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize("objective", [ONE, SEVERAL])
def test_distillation_pulls_towards_the_teacher_and_not_back(objective):
    teacher = torch.randn(2, 3, requires_grad=True)
    student = torch.zeros(2, 3, requires_grad=True)
    objective.distil(student, teacher).backward()
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None
