"""Static int8 quantisation after training (PT2E) for XNNPACK.

Weights per output channel, activations per tensor, calibrated on unlabelled clips. The last layer
and the softmax stay fp32: too small to gain anything (of an embedding the last layer is large, and
is quantised too). The front end spans more than 8 bits of one scale: its DFT alone is in int8, with
a scale per frame (`deploy.int8_frontend`).
Letters: N clips, T samples of a clip.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, fx, nn

from deploy.int8_frontend import with_int8_frontend
from search_spaces.errors import UserError

FP32_MODULES = ("frontend", "normalise", "picture", "pool")
# PT2E's patterns that these nets contain; the others are matched by tracing each, which takes
# longer than all the rest of the quantisation.
PATTERNS = ("conv_relu", "conv", "linear_relu", "linear", "add_relu", "add", "cat")
_WEIGHTED = (torch.ops.aten.conv2d.default, torch.ops.aten.linear.default)


def check_kernels(network: nn.Module) -> None:
    """Refuse padded even kernels outside the front end.

    With "same" padding XNNPACK's quantised result is silently wrong for them (executorch#20558).

    Raises:
        UserError: naming the layer and its kernel.
    """
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and FP32_MODULES[0] not in name.split("."):
            kernel, padding = tuple(module.kernel_size), module.padding
            padded = padding if isinstance(padding, tuple) else (padding != "valid",) * 2
            if any(size % 2 == 0 and pad for size, pad in zip(kernel, padded, strict=True)):
                raise UserError(
                    f"layer {name}: kernel {kernel} is even and padded, int8 takes odd ones only"
                    " (executorch#20558)"
                )


def quantize(
    network: nn.Module, calibration: Iterable[Tensor], *, last_layer_fp32: bool = True
) -> fx.GraphModule:
    """Quantise a net with folded batch norms.

    Args:
        network: waveform [1, T] to probabilities or an embedding; see `deploy.export`.
        calibration: inputs, each as the lowered file takes it; their activations set the scales.
        last_layer_fp32: whether the last convolution or linear layer is left alone.

    Returns:
        The graph with quantise and dequantise operators, which XNNPACK turns into int8 operators.

    Raises:
        UserError: an even kernel, or no calibration input.
    """
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    check_kernels(network)
    inputs = list(calibration)
    if not inputs:
        raise UserError("calibration: got no clip, expected at least one")
    with torch.no_grad():
        graph = torch.export.export(with_int8_frontend(network), (inputs[0],)).module()
        weighted = [node.name for node in graph.graph.nodes if node.target in _WEIGHTED]
        left_alone = set(weighted[-1:]) if last_layer_fp32 else set()
        quantizer = _quantizer(left_alone)
        quantizer.set_global(get_symmetric_quantization_config(is_per_channel=True))
        prepared = prepare_pt2e(graph, quantizer)
        for waveform in inputs:
            prepared(waveform)
        return convert_pt2e(prepared)


def _quantizer(left_alone: set[str]) -> Any:
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer
    from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY

    class TrunkQuantizer(XNNPACKQuantizer):
        """XNNPACK's quantiser for everything outside `FP32_MODULES`."""

        SUPPORTED_PATTERNS = [p for p in XNNPACKQuantizer.SUPPORTED_PATTERNS if p.name in PATTERNS]  # noqa: RUF012

        def annotate(self, model: fx.GraphModule) -> fx.GraphModule:
            model = super().annotate(model)
            for node in model.graph.nodes:
                # It lends a pooling the scale of its input; a mean is finer than what it averages.
                if _left_fp32(node):
                    node.meta.pop(Q_ANNOTATION_KEY, None)
            return model

    quantizer = TrunkQuantizer()
    quantizer.set_filter_function(lambda node: node.name not in left_alone and not _left_fp32(node))
    return quantizer


def _left_fp32(node: fx.Node) -> bool:
    paths = (path for path, _ in node.meta.get("nn_module_stack", {}).values())
    return any(not {*FP32_MODULES}.isdisjoint(path.split(".")) for path in paths)
