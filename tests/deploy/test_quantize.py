import pytest
import torch
from torch import nn

from deploy.engine import Engine
from deploy.export import lower_program, ready_to_lower
from deploy.quantize import quantize
from search_spaces.errors import UserError


class Net(nn.Module):
    """A front end, a block and a last layer, named as in the kit's nets."""

    def __init__(self, kernel: int | tuple[int, int] = 3, padding: int = 0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.frontend = nn.Conv2d(1, 2, 4)
        self.block = nn.Sequential(
            nn.Conv2d(2, 8, kernel, padding=padding), nn.BatchNorm2d(8), nn.ReLU()
        )
        self.last = nn.Conv2d(8, 3, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        features = self.block(self.frontend(inputs))
        return self.last(features.mean(dim=(2, 3), keepdim=True)).flatten(1)


def test_only_the_trunk_becomes_int8() -> None:
    net = ready_to_lower(Net())
    inputs = torch.randn(1, 1, 12, 12)
    graph = quantize(net, [inputs])
    stored = {
        name: tensor
        for name, tensor in (*graph.named_parameters(), *graph.named_buffers())
        if tensor.dim() == 4
    }
    int8 = {name for name, tensor in stored.items() if tensor.dtype == torch.int8}
    assert len(int8) == 1  # the block's; its name is PT2E's own
    assert "frontend.weight" in stored
    assert "last.weight" in stored
    with torch.no_grad():
        torch.testing.assert_close(graph(inputs), net(inputs), atol=0.05, rtol=0.05)


def test_scales_come_from_calibration() -> None:
    net = ready_to_lower(Net())
    quiet_clip, loud_clip = torch.ones(1, 1, 12, 12) * 0.01, torch.ones(1, 1, 12, 12)
    with torch.no_grad():
        cut = quantize(net, [quiet_clip])(loud_clip) - net(loud_clip)
        kept = quantize(net, [quiet_clip, loud_clip])(loud_clip) - net(loud_clip)
    assert kept.abs().max() < 0.3 * cut.abs().max()


def test_padded_even_kernels_are_refused_outside_the_front_end() -> None:
    with pytest.raises(
        UserError, match=r"layer block\.0: kernel \(2, 2\) is even and padded, int8"
    ):
        quantize(Net(kernel=2, padding=1), [torch.zeros(1, 1, 12, 12)])


def test_an_even_kernel_without_padding_is_computed_rightly(tmp_path) -> None:
    net = ready_to_lower(Net(kernel=(2, 1)))
    inputs = torch.randn(1, 1, 12, 12, generator=torch.Generator().manual_seed(1))
    graph = quantize(net, [inputs])
    model = tmp_path / "model.pte"
    model.write_bytes(lower_program(graph, inputs).program)
    with torch.no_grad():
        expected = graph(inputs)
    torch.testing.assert_close(Engine(model).run_tensor(inputs), expected, rtol=0, atol=0.02)


def test_calibration_needs_a_clip() -> None:
    with pytest.raises(UserError, match="calibration: got no clip, expected at least one"):
        quantize(Net(), [])
