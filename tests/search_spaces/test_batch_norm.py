import pytest
import torch

from search_spaces.architecture import largest
from search_spaces.batch_norm import (
    even_parts,
    frozen_batch_norm_statistics,
    recalibrate_batch_norm,
)
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from search_spaces.supernet import build_subnet, build_supernet

NANO = get_space("sam-nano")


def small_net() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 1), torch.nn.BatchNorm2d(3), torch.nn.Dropout(0.5)
    )


def buffers(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.named_buffers()}


@pytest.mark.parametrize(
    "build", [lambda: build_supernet(NANO), lambda: build_subnet(largest(NANO))]
)
def test_frozen_statistics_stay_and_thaw(build):
    net = build().train()
    waveform = torch.randn(2, 80_000)
    before = buffers(net)
    with frozen_batch_norm_statistics(net):
        frozen = net(waveform)
    for name, value in buffers(net).items():
        assert torch.equal(value, before[name]), name
    assert torch.equal(net(waveform), frozen), "the batch still normalises itself"
    after = buffers(net)
    assert any(not torch.equal(after[name], before[name]) for name in before)


def test_frozen_statistics_are_used_in_eval_mode():
    net = small_net().eval()
    inputs = torch.randn(4, 1, 2, 2)
    expected = net(inputs)
    with frozen_batch_norm_statistics(net):
        assert torch.equal(net(inputs), expected)


def test_recalibration_averages_the_batches_statistics():
    net = small_net().eval()
    batches = [torch.randn(16, 1, 4, 4) * 3 + 1, torch.randn(16, 1, 4, 4)]
    recalibrate_batch_norm(net, batches)
    maps = [net[0](batch) for batch in batches]
    means = torch.stack([each.mean(dim=(0, 2, 3)) for each in maps]).mean(dim=0)
    variances = torch.stack([each.var(dim=(0, 2, 3)) for each in maps]).mean(dim=0)
    torch.testing.assert_close(net[1].running_mean, means)
    torch.testing.assert_close(net[1].running_var, variances)


@pytest.mark.parametrize("training", [True, False])
def test_recalibration_leaves_mode_momentum_and_weights(training):
    net = small_net().train(training)
    weights = {name: value.clone() for name, value in net.named_parameters()}
    recalibrate_batch_norm(net, [torch.randn(4, 1, 2, 2)])
    assert all(module.training == training for module in net.modules())
    assert net[1].momentum == 0.1
    assert all(torch.equal(value, weights[name]) for name, value in net.named_parameters())


def test_recalibration_runs_a_part_of_the_net_on_features():
    net = build_subnet(largest(NANO)).eval()
    other = build_subnet(largest(NANO)).eval()
    waveforms = torch.randn(4, 80_000)
    recalibrate_batch_norm(net, [waveforms])
    recalibrate_batch_norm(other, [other.features(waveforms)], run=other.classify)
    for name, value in buffers(net).items():
        torch.testing.assert_close(value, buffers(other)[name])


def test_no_batches_are_refused():
    with pytest.raises(UserError, match="got 0 batches, expected at least 1"):
        recalibrate_batch_norm(small_net(), iter(()))


@pytest.mark.parametrize(
    ("clips", "sizes"), [(0, []), (1, [1]), (64, [64]), (65, [32, 33]), (150, [50, 50, 50])]
)
def test_no_part_is_a_small_remainder(clips: int, sizes: list[int]):
    parts = even_parts(clips, 64)
    assert [part.stop - part.start for part in parts] == sizes
    assert [place for part in parts for place in range(clips)[part]] == list(range(clips))
