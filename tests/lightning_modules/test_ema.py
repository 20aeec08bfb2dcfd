from __future__ import annotations

import torch
from torch import nn

from lightning_modules.ema import update_average


def nets() -> tuple[nn.Module, nn.Module]:
    average = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    nn.init.zeros_(average[0].weight)
    nn.init.ones_(net[0].weight)
    net[1].running_mean.fill_(1.0)
    net[1].num_batches_tracked.fill_(7)
    return average, net


def test_weights_and_statistics_move_by_what_the_decay_leaves():
    average, net = nets()
    update_average(average, net, decay=0.9, step=10_000)
    torch.testing.assert_close(average[0].weight, torch.full((2, 2), 0.1))
    torch.testing.assert_close(average[1].running_mean, torch.full((2,), 0.1))
    assert average[1].num_batches_tracked == 7


def test_the_first_steps_follow_faster():
    average, net = nets()
    update_average(average, net, decay=0.999, step=0)
    torch.testing.assert_close(average[0].weight, torch.full((2, 2), 0.9))


def test_the_net_is_not_changed():
    average, net = nets()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    update_average(average, net, decay=0.5, step=3)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
