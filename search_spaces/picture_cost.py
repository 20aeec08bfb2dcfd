"""What a picture net costs, counted on the graph of its operators: any CNN, also torchvision's.

Everything is for one clip of the net's space, batch of one.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx

from search_spaces.architecture import Architecture
from search_spaces.cost import FRONTEND_BYTES, Cost
from search_spaces.frontend_layers import frontend_layers
from search_spaces.picture_net import PictureNet, build_picture_net

# Operators that a runtime folds into the one before, or runs in its place, unless others need it.
_IN_PLACE = {"native_batch_norm", "relu", "hardtanh", "hardswish", "silu", "sigmoid", "dropout"}
_VIEWS = {"view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "detach", "alias", "getitem"}


@lru_cache(maxsize=32)
def picture_costs(architecture: Architecture, num_outputs: int) -> Cost:
    """Cost of one clip in fp32; see `cost.Cost`.

    Args:
        architecture: of one of `spaces.PICTURE_SPACES`.
        num_outputs: logits.

    Raises:
        UserError: see `build_picture_net`.
    """
    net = build_picture_net(architecture, num_outputs).eval()
    layers = frontend_layers(net.frontend.geometry)
    graph = _graph(net)
    macs = sum(map(_macs, graph.nodes))
    frontend_macs = sum(layer.macs for layer in layers)
    numbers = max(layer.live_elements for layer in layers)
    return Cost(
        params=sum(parameter.numel() for parameter in net.parameters()),
        macs=frontend_macs + macs,
        frontend_macs=frontend_macs,
        peak_activation_bytes=FRONTEND_BYTES * max(numbers, peak_elements(graph)),
    )


def peak_elements(graph: fx.Graph) -> int:
    """Most numbers held at one moment, if each tensor is freed after its last use.

    Batch norm and activations take the place of their input where nothing else needs that.
    """
    order = {node: place for place, node in enumerate(graph.nodes)}
    ends = {node: max((order[user] for user in node.users), default=order[node]) for node in order}
    storage: dict[fx.Node, fx.Node] = {}  # the node whose memory a node lies in
    until: dict[fx.Node, int] = {}
    for node, place in order.items():
        if node.op == "output" or (node.op == "placeholder" and place > 0):
            continue  # after the features come weights
        source = storage.get(node.args[0]) if node.args else None
        name = _name(node)
        taken = name in _IN_PLACE and source is not None and until[source] == place
        owner = source if source is not None and (taken or name in _VIEWS) else node
        storage[node] = owner
        until[owner] = max(until.get(owner, 0), ends[node])
    return max(
        sum(_numel(owner) for owner, end in until.items() if order[owner] <= place <= end)
        for place in order.values()
    )


def _graph(net: PictureNet) -> fx.Graph:
    """Everything behind the front end; its inputs are the features, then weights."""
    trunk = nn.Sequential(net.picture, net.cnn)
    weights = {**dict(trunk.named_parameters()), **dict(trunk.named_buffers())}
    features = torch.zeros(1, *net.frontend.output_shape())

    def run(inputs: Tensor, values: dict[str, Tensor]) -> Tensor:
        return functional_call(trunk, values, (inputs,))

    with torch.no_grad():
        return make_fx(run, tracing_mode="fake")(features, weights).graph


def _name(node: fx.Node) -> str:
    name = getattr(node.target, "__name__", str(node.target))
    return name.split(".")[0].rstrip("_")


def _numel(node: Any) -> int:
    value = node.meta["val"]
    return (value[0] if isinstance(value, list | tuple) else value).numel()


def _macs(node: fx.Node) -> int:
    """Sums of products: a convolution costs a MAC per output and weight of its filter."""
    name = _name(node)
    if name == "convolution":
        weight: Any = node.args[1]
        return _numel(node) * math.prod(weight.meta["val"].shape[1:])
    if name in ("mm", "addmm", "bmm"):
        left: Any = node.args[1 if name == "addmm" else 0]
        return _numel(node) * left.meta["val"].shape[-1]
    return 0
