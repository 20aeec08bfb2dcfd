from pathlib import Path

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from torch import nn

from deploy.engine import Engine
from deploy.export import ProbabilityNet, lower_program, ready_to_lower
from deploy.quantize import quantize
from deploy.quiet import quiet


class Block(nn.Module):
    """Every operator of the kit's trunks: convolutions, a residual, both poolings, a head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 5, 1, 2, groups=8), nn.BatchNorm2d(8))
        self.head = nn.Conv2d(8, 3, 1)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean = torch.randn(8)
                module.running_var = 0.5 + torch.rand(8)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        maps = self.stem(inputs)
        maps = maps + self.depthwise(maps)
        high = nn.functional.max_pool2d(maps, (8, 8), stride=(8, 8))
        return self.head(high + maps.mean(dim=(2, 3), keepdim=True)).flatten(1)


def run(program: bytes, inputs: torch.Tensor, folder: Path) -> torch.Tensor:
    (folder / "model.pte").write_bytes(program)
    return Engine(folder / "model.pte").run_tensor(inputs)


def test_batch_norm_is_folded_without_changing_the_net() -> None:
    net, inputs = Block().eval(), torch.randn(2, 1, 16, 16)
    folded = ready_to_lower(net)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
    torch.testing.assert_close(folded(inputs), net(inputs))


def test_lean_lowering_computes_what_the_plain_one_does(tmp_path: Path) -> None:
    inputs = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    net = ready_to_lower(ProbabilityNet(Block(), temperature=1.7))
    with quiet(), torch.no_grad():
        quantized = quantize(net, [inputs])
        lean = lower_program(quantized, inputs)
        exported = torch.export.export(quantized, (inputs,))
        plain = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
        program = bytes(plain.to_executorch().buffer)
    expected = run(program, inputs, tmp_path)
    assert torch.equal(run(lean.program, inputs, tmp_path), expected)
    assert abs(len(lean.program) - len(program)) < 500
    torch.testing.assert_close(expected, net(inputs), atol=0.03, rtol=0)
    assert lean.delegation.delegates == 1
