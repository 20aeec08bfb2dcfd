from __future__ import annotations

import pytest
import torch

from lightning_modules.pseudo_audit import PseudoLabelAudit
from lightning_modules.views import TargetView
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask


def view(guesses: list[int], used: list[int]) -> TargetView:
    target = torch.nn.functional.one_hot(torch.tensor(guesses), 11).double()
    return TargetView(torch.zeros(len(guesses), 4), target, torch.tensor(used).double())


def test_shares_are_of_the_clips_that_are_pseudo_labelled():
    audit = PseudoLabelAudit(CountsTask())
    # Right, one beside, far off, and one of which the teacher is not sure.
    audit.add(view([3, 4, 9, 0], [1, 1, 1, 0]), torch.tensor([3, 3, 3, 3]), torch.tensor([3] * 4))
    # A label may be an interval: 5 lies within [4, 6].
    audit.add(view([5], [1]), torch.tensor([4]), torch.tensor([6]))
    assert audit.metrics() == {
        "pseudo_label_share": pytest.approx(4 / 5),
        "pseudo_label_accuracy": pytest.approx(2 / 4),
        "pseudo_label_within_one": pytest.approx(3 / 4),
    }


def test_no_accuracy_of_no_labels():
    audit = PseudoLabelAudit(CountsTask())
    assert audit.metrics() == {}
    audit.add(view([1], [0]), torch.tensor([1]), torch.tensor([1]))
    assert audit.metrics() == {"pseudo_label_share": 0.0}
    audit.clear()
    assert audit.metrics() == {}


def test_of_several_classes_each_counts_for_itself():
    audit = PseudoLabelAudit(ClassesTask(("a", "b"), several=True))
    sure = TargetView(
        torch.zeros(1, 4), torch.tensor([[0.9, 0.6]]), weight=torch.tensor([[1.0, 0.0]])
    )
    audit.add(sure, torch.tensor([[1, 0]]), torch.tensor([[1, 0]]))
    assert audit.metrics() == {"pseudo_label_share": 0.5, "pseudo_label_accuracy": 1.0}
