import pytest
import torch
from torch import nn

from deploy.delegation import Delegation, delegation_of
from deploy.export import lower_program
from deploy.quiet import quiet
from search_spaces.errors import UserError


class PartlyDelegated(nn.Module):
    """A 2-D convolution, which XNNPACK takes, and a 3-D one, which it does not."""

    def __init__(self) -> None:
        super().__init__()
        self.flat = nn.Conv2d(4, 6, 3, groups=2)
        self.deep = nn.Conv3d(1, 2, (1, 3, 3))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.deep(self.flat(inputs).unsqueeze(1))


def test_share_is_counted_as_by_hand() -> None:
    with quiet():
        lowered = lower_program(PartlyDelegated().eval(), torch.zeros(1, 4, 10, 8))
    flat = (6 * 8 * 6) * (2 * 3 * 3)  # output [6, 8, 6], filters [4 / 2 groups, 3, 3]
    deep = (2 * 6 * 6 * 4) * (1 * 1 * 3 * 3)  # output [2, 6, 6, 4], filters [1, 1, 3, 3]
    assert lowered.delegation.delegated_macs == flat
    assert lowered.delegation.macs == flat + deep
    assert "convolution" in lowered.delegation.left_out
    with pytest.raises(UserError, match=r"net-1: 66\.67 % of the MACs go to XNNPACK, .* 99 %"):
        lowered.delegation.check("net-1")


def test_99_percent_is_enough() -> None:
    Delegation(100, 99, 1, ("log",)).check("net")
    with pytest.raises(UserError, match=r"98\.00 % .*; left out: unfold_copy, convolution"):
        Delegation(100, 98, 1, ("unfold_copy", "convolution")).check("net")


def test_matrix_products_are_counted() -> None:
    class Products(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(5, 7)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            rows = self.linear(inputs)  # 3 x 7 outputs of 5 products
            return torch.matmul(rows, rows.transpose(0, 1))  # 3 x 3 outputs of 7

    edge = torch.export.export(Products().eval(), (torch.zeros(3, 5),))
    assert delegation_of(edge.graph_module).macs == 3 * 7 * 5 + 3 * 3 * 7
    assert delegation_of(edge.graph_module).share == 0.0
