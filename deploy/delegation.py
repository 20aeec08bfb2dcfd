"""Which share of a lowered net's multiply-accumulates runs inside the XNNPACK delegate.

"Slow ExecuTorch" is nearly always an operator that was left out, so the share is counted on the
lowered graph itself, operator by operator, and a net below 99 % is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from search_spaces.errors import UserError

if TYPE_CHECKING:
    from torch import fx

MIN_DELEGATED_SHARE = 0.99


@dataclass(frozen=True)
class Delegation:
    """Where a lowered net runs.

    Attributes:
        macs: multiply-accumulates of one run.
        delegated_macs: those inside a delegate.
        delegates: number of delegated pieces; 1 is best, each border copies its tensors.
        left_out: operators outside, by name, in order; views and memory planning are not counted.
    """

    macs: int
    delegated_macs: int
    delegates: int
    left_out: tuple[str, ...]

    @property
    def share(self) -> float:
        """Delegated MACs of all, 1.0 for a net without any."""
        return self.delegated_macs / self.macs if self.macs else 1.0

    def check(self, name: str, minimum: float = MIN_DELEGATED_SHARE) -> None:
        """Refuse a net of which too little is delegated.

        Raises:
            UserError: naming the net, the share and the operators left out.
        """
        if self.share < minimum:
            raise UserError(
                f"{name}: {100 * self.share:.2f} % of the MACs go to XNNPACK, expected at least"
                f" {100 * minimum:g} %; left out: {', '.join(self.left_out)}"
            )


def delegation_of(graph_module: fx.GraphModule) -> Delegation:
    """Count a graph after `to_edge_transform_and_lower` and before `to_executorch`."""
    outside: list[Any] = list(_calls(graph_module))
    delegates = [
        getattr(graph_module, node.args[0].target)
        for node in outside
        if _name(node) == "executorch_call_delegate"
    ]
    inside = [node for delegate in delegates for node in _calls(delegate.original_module)]
    left_out = [node for node in outside if _name(node) not in _BOOKKEEPING]
    delegated_macs = sum(map(node_macs, inside))
    return Delegation(
        macs=delegated_macs + sum(map(node_macs, left_out)),
        delegated_macs=delegated_macs,
        delegates=len(delegates),
        left_out=tuple(map(_name, left_out)),
    )


def node_macs(node: fx.Node) -> int:
    """Multiply-accumulates of one call; 0 for operators that are no sums of products.

    A convolution costs, per output element, one MAC per weight of its filter; a matrix product one
    per element of the shared dimension. Biases are not counted.
    """
    name = _name(node)
    outputs = math.prod(_shape(node)) if name in _MAC_OPERAND else 0
    if name in ("convolution", "conv1d", "conv2d"):
        return outputs * math.prod(_shape(node.args[1])[1:])  # weight: [out, in / groups, *kernel]
    if name in _MAC_OPERAND:
        return outputs * _shape(node.args[_MAC_OPERAND[name]])[-1]
    return 0


_BOOKKEEPING = {
    "executorch_call_delegate",
    "getitem",
    "view_copy",
    "unsqueeze_copy",
    "squeeze_copy",
}
# Position of the argument whose last dimension is summed over.
_MAC_OPERAND = {
    "convolution": 1,
    "conv1d": 1,
    "conv2d": 1,
    "linear": 0,
    "mm": 0,
    "bmm": 0,
    "matmul": 0,
    "addmm": 1,
}


def _calls(graph: Any) -> Iterator[fx.Node]:
    for node in graph.graph.nodes:
        if node.op == "call_function":
            yield node


def _name(node: fx.Node) -> str:
    """Operator without namespace and overload: ``aten.conv2d.default`` -> ``conv2d``."""
    name = str(getattr(node.target, "__name__", node.target))
    parts = [part for part in name.split(".") if part not in ("aten", "default")]
    return parts[0]


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in node.meta["val"].shape)
