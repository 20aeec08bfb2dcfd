from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.objective import objective_of
from lightning_modules.objective_embedding import contrastive_loss, triplet_loss
from search_spaces.task_embedding import ProximityTask, TeacherTask

# Four directions a quarter turn apart, so that squared distances are 2 between neighbours, else 4.
EAST, NORTH, WEST, SOUTH = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.0, -1.0]])


def test_a_teacher_is_met_by_squared_distance():
    objective = objective_of(TeacherTask(2))
    target = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    said = torch.tensor([[1.0, 1.0], [0.0, 0.0]], requires_grad=True)
    loss = objective.labelled(said, target, target)
    assert loss.item() == pytest.approx((1 / 2 + 4 / 2) / 2)
    assert objective.distil(said, target).item() == loss.item()
    assert objective.soft(said, target, torch.tensor([1.0, 0.0])).item() == pytest.approx(1 / 4)
    assert objective.target(target, target) is target
    assert objective.likelihood(target, target, target).item() == 0


def test_a_triplet_takes_the_nearest_negative_that_is_farther_than_the_positive():
    of = torch.tensor([0, 0, 1])
    # anchor east: positive north at 2, negative west at 4; anchor north: positive and negative at 2
    loss = triplet_loss(torch.stack([EAST, NORTH, WEST]), of, of, margin=0.5)
    assert loss.item() == pytest.approx((max(0, 2 - 4 + 0.5) + (2 - 2 + 0.5)) / 2)
    loss = triplet_loss(torch.stack([EAST, WEST, NORTH]), of, of, margin=0.5)
    assert loss.item() == pytest.approx(((4 - 2 + 0.5) + (4 - 2 + 0.5)) / 2)  # none is farther


def test_the_contrastive_loss_counted_by_hand():
    of = torch.tensor([0, 0, 1])
    loss = contrastive_loss(torch.stack([EAST, EAST, NORTH]), of, of, temperature=0.5)
    assert loss.item() == pytest.approx(math.log(math.exp(2) + 1) - 2)


@pytest.mark.parametrize("loss", ["triplet", "contrastive"])
def test_stretches_of_one_file_are_no_negatives_of_each_other(loss: str):
    objective = objective_of(ProximityTask(2), proximity={"loss": loss})
    of, files = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 0, 1, 1, 1, 1])
    embeddings = torch.stack([EAST, EAST, WEST, WEST, NORTH, NORTH])
    embeddings.requires_grad_()
    objective.labelled(embeddings[2:], of[2:], files[2:]).backward()  # one file alone: nothing
    assert embeddings.grad is not None
    assert not embeddings.grad.any()
    beside = WEST + 0.1 * NORTH
    near = torch.stack([EAST, EAST, WEST, WEST, beside, beside])
    assert objective.labelled(near, of, files) < objective.labelled(near, of, of) - 0.05


@pytest.mark.parametrize("loss", ["triplet", "contrastive"])
def test_lengths_play_no_part_and_no_pair_is_no_loss(loss: str):
    objective = objective_of(ProximityTask(2), proximity={"loss": loss})
    embeddings, of = torch.stack([EAST, NORTH, WEST, SOUTH]), torch.tensor([0, 0, 1, 1])
    expected = objective.labelled(embeddings, of, of)
    assert objective.labelled(7 * embeddings, of, of).item() == pytest.approx(expected.item())
    alone = torch.arange(4)
    assert objective.labelled(embeddings.requires_grad_(), alone, alone).item() == 0
    objective.labelled(embeddings, alone, alone).backward()  # also then there is a gradient
    assert objective.distil(EAST[None], 5 * EAST[None]).item() == pytest.approx(0, abs=1e-6)
    assert objective.distil(EAST[None], NORTH[None]).item() == pytest.approx(1)
    assert objective.target(of, of).tolist() == [[0], [0], [1], [1]]


@given(st.integers(0, 50))
def test_one_recording_against_nothing_has_no_triplets(seed: int):
    embeddings = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))
    alike = torch.zeros(4, dtype=torch.int64)
    assert triplet_loss(embeddings, alike, alike, 0.2).item() == 0


def test_an_embedding_is_as_sure_as_another():
    objective = objective_of(TeacherTask(2))
    said = torch.tensor([[0.0, 5.0]])
    assert objective.sure(said, 0.9, 0).tolist() == [True]
    assert objective.harden(said) is said
