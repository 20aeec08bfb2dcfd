import pytest
import torch

from search_spaces.blocks import (
    BandsAsChannels,
    ConvNorm,
    InvertedBottleneck,
    Layers,
    MeanSubtraction,
    TimePool,
)


def test_mean_subtraction_takes_what_colours_a_whole_band():
    features = torch.tensor([[1.0, 2.0, 3.0], [4.0, 4.0, 10.0]]).reshape(1, 1, 2, 3)
    centred = MeanSubtraction()(features)
    assert centred.tolist() == [[[[-1.0, 0.0, 1.0], [-2.0, -2.0, 4.0]]]]
    coloured = features + torch.tensor([5.0, -7.0]).reshape(1, 1, 2, 1)
    torch.testing.assert_close(MeanSubtraction()(coloured + 9), centred)


def test_digital_silence_counts_for_no_mean_and_is_set_to_it():
    sound = torch.rand(2, 1, 4, 6) + 1
    padded = torch.cat([sound, torch.zeros(2, 1, 4, 5)], dim=3)
    normalised = MeanSubtraction()(padded)
    torch.testing.assert_close(normalised[..., :6], MeanSubtraction()(sound))
    assert not normalised[..., 6:].any()
    assert not MeanSubtraction()(torch.zeros(1, 1, 4, 6)).any()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("mean", [3.5]), ("max", [4.5]), ("mean_max", [8.0]), ("mean_beside_max", [3.5, 4.5])],
)
def test_time_pool_by_hand(kind, expected):
    # frequency means per frame: (1 + 4) / 2, (2 + 5) / 2, (3 + 6) / 2
    features = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).reshape(1, 1, 2, 3)
    assert TimePool(kind)(features).tolist() == [[[[row] for row in expected]]]
    assert Layers().pool_rows(kind) == len(expected)


def test_time_pool_refuses_an_unknown_kind():
    with pytest.raises(
        ValueError, match="kind is 'std', allowed: mean, max, mean_max, mean_beside_max"
    ):
        TimePool("std")


@pytest.mark.parametrize("fused", [False, True])
def test_a_block_with_a_silent_branch_passes_its_input_on(fused):
    block = InvertedBottleneck(
        8, 8, expansion=2, kernel=3, stride=1, residual=True, fused=fused, layers=Layers()
    ).eval()
    torch.nn.init.zeros_(block.project.norm.weight)
    inputs = torch.randn(2, 8, 3, 5)
    assert torch.equal(block(inputs), inputs)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3)])
@pytest.mark.parametrize("kernel", [3, 7])
def test_a_map_smaller_than_the_kernel_stays_valid(size, kernel):
    layer = ConvNorm(4, 4, kernel=kernel, stride=(2, 2), groups=4, layers=Layers()).eval()
    height, width = layer(torch.randn(1, 4, *size)).shape[2:]
    assert (height, width) == ((size[0] + 1) // 2, (size[1] + 1) // 2)


def test_adjacent_bands_become_the_channels_of_one_position():
    bands = torch.arange(6.0).reshape(1, 1, 6, 1) + torch.tensor([0.0, 0.5])  # 6 bands, 2 frames
    positions = BandsAsChannels(3)(bands)
    assert positions.shape == (1, 3, 2, 2)
    assert positions[0, :, 0].tolist() == [[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]]
    assert positions[0, :, 1].tolist() == [[3.0, 3.5], [4.0, 4.5], [5.0, 5.5]]
