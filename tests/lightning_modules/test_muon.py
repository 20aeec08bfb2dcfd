"""Muon against torch's own, on what both take, and beside AdamW."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.muon import Muon, orthogonalised
from lightning_modules.optimiser import make_optimiser


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3),
        nn.BatchNorm2d(6),
        nn.Conv2d(6, 6, 3, groups=6),
        nn.Flatten(),
        nn.Linear(6 * 4, 4),
    )


def learn(net: nn.Module, optimiser: torch.optim.Optimizer, steps: int) -> Tensor:
    torch.manual_seed(1)
    seen, said = torch.randn(64, 2, 6, 6), torch.randint(4, (64,))
    for _ in range(steps):
        optimiser.zero_grad()
        loss = functional.cross_entropy(net(seen), said)
        loss.backward()
        optimiser.step()
    return loss.detach()


@pytest.mark.parametrize("shape", [(8, 30), (30, 8), (16, 16), (1, 5)])
def test_singular_values_become_about_one(shape: tuple[int, int]):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 1e-6
    near = orthogonalised(matrix)
    values = torch.linalg.svdvals(near)
    assert near.shape == shape
    assert 0.6 < values.min() <= values.max() < 1.3
    directions = torch.linalg.svd(matrix, full_matrices=False)
    nearest = directions.U @ directions.Vh
    assert functional.cosine_similarity(near.flatten(), nearest.flatten(), dim=0) > 0.97


def test_no_gradient_is_no_step():
    assert torch.equal(orthogonalised(torch.zeros(3, 4)), torch.zeros(3, 4))


def test_a_matrix_moves_as_by_torchs_muon():
    ours, theirs = (nn.Linear(12, 20, bias=False) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    start = ours.weight.detach().clone()
    settings = {"lr": 0.02, "weight_decay": 0.1}
    optimisers = [
        Muon([{"params": [ours.weight], "orthogonal": True, **settings}], 1.0),
        torch.optim.Muon([theirs.weight], adjust_lr_fn="match_rms_adamw", **settings),
    ]
    draws = torch.Generator().manual_seed(2)
    for _ in range(3):
        seen = torch.randn(5, 12, generator=draws)
        for linear, optimiser in zip((ours, theirs), optimisers, strict=True):
            optimiser.zero_grad()
            linear(seen).square().mean().backward()
            optimiser.step()
    ours_moved, theirs_moved = (linear.weight.detach() - start for linear in (ours, theirs))
    cosine = functional.cosine_similarity(ours_moved.flatten(), theirs_moved.flatten(), dim=0)
    assert cosine > 0.99  # theirs is computed in bfloat16
    assert ours_moved.norm() / theirs_moved.norm() == pytest.approx(1, abs=0.05)


def test_layout_in_memory_changes_nothing():
    plain, last = net(), net().to(memory_format=torch.channels_last)
    for each in (plain, last):
        learn(each, make_optimiser(each, 0.01, 0.01, name="muon"), 1)
    torch.testing.assert_close(plain[0].weight, last[0].weight)


def test_the_last_layer_depthwise_ones_norms_and_biases_are_adamws():
    each = net()
    optimiser = make_optimiser(each, 0.01, 0.5, name="muon")
    groups = {group["orthogonal"]: [] for group in optimiser.param_groups}
    for group in optimiser.param_groups:
        groups[group["orthogonal"]] += [tuple(weight.shape) for weight in group["params"]]
        assert (group["weight_decay"] > 0) == all(weight.ndim > 1 for weight in group["params"])
    assert groups[True] == [(6, 2, 3, 3)]
    assert (4, 24) in groups[False]
    assert (6, 1, 3, 3) in groups[False]
    assert sum(map(len, groups.values())) == len(list(each.parameters()))


def test_a_group_without_mark_moves_as_by_adamw():
    ours, theirs = net(), net()
    learn(ours, Muon([{"params": list(ours.parameters()), "weight_decay": 0.1}], 0.01), 4)
    learn(theirs, torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1), 4)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_it_goes_on_from_its_state():
    whole, stopped = net(), net()
    learn(whole, make_optimiser(whole, 0.01, 0.01, name="muon"), 6)
    first = make_optimiser(stopped, 0.01, 0.01, name="muon")
    learn(stopped, first, 3)
    then = make_optimiser(stopped, 0.01, 0.01, name="muon")
    then.load_state_dict(copy.deepcopy(first.state_dict()))
    learn(stopped, then, 3)
    for one, other in zip(whole.parameters(), stopped.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_closure_is_run_with_gradients():
    each = net()
    optimiser = make_optimiser(each, 0.01, 0.01, name="muon")

    def closure() -> float:
        optimiser.zero_grad()
        loss = each(torch.ones(8, 2, 6, 6)).square().mean()
        loss.backward()
        return loss.item()

    before = each[0].weight.detach().clone()
    assert optimiser.step(closure) > 0
    assert not torch.equal(before, each[0].weight)


def test_it_learns():
    each = net()
    assert learn(each, make_optimiser(each, 0.02, 0.0, name="muon"), 60) < 0.5
