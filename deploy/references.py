"""What a net is timed beside: its front end alone, eager torch, and one large product.

Letters: C channels, F and W the sides of a map.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from deploy.bundle import Bundle
from deploy.engine import Engine
from deploy.export import answering_net, lower_program, ready_to_lower
from deploy.int8_frontend import with_int8_frontend
from deploy.quantize import FP32_MODULES, quantize
from deploy.quiet import quiet
from search_spaces.architecture import Architecture
from search_spaces.errors import UserError, one_line

CHANNELS, SIDE = 256, 32
ATTAINABLE_METHOD = (
    f"1x1 convolution of {CHANNELS} to {CHANNELS} channels over {SIDE}x{SIDE} points through the"
    " same runtime, precision and threads"
)


@dataclass(frozen=True)
class References:
    """Subjects to time in turns with a net.

    Attributes:
        subjects: ``attainable`` always; ``frontend`` and ``eager`` where the kit knows the
            architecture.
        attainable_macs: multiply-accumulates of one ``attainable`` run.
        missing_reason: why the others are missing; empty where they are not.
    """

    subjects: dict[str, Callable[[], object]]
    attainable_macs: int
    missing_reason: str


def references(bundle: Bundle, precision: str, threads: int, clip: Tensor) -> References:
    """Build them; eager torch runs fresh weights, for time does not depend on these."""
    product, macs = _large_product(precision, threads)
    subjects: dict[str, Callable[[], object]] = {"attainable": product}
    reason = ""
    try:
        architecture = Architecture.from_json(bundle.manifest["architecture"])
    except UserError as error:
        reason = f"the kit cannot build the architecture: {one_line(str(error))}"
    else:
        from search_spaces.supernet import build_subnet

        net = build_subnet(architecture, len(bundle.manifest["outputs"])).eval()
        alone = ready_to_lower(net.frontend)
        if precision == "int8" and not _frontend_is_fp32(bundle):
            alone = with_int8_frontend(alone)
        frontend = load_program(alone, clip, threads)
        eager = answering_net(net, bundle.task, bundle.manifest["temperature"])
        subjects["frontend"] = lambda: frontend.run_tensor(clip)
        subjects["eager"] = lambda: _run_eager(eager, clip)
    return References(subjects, macs, reason)


def _frontend_is_fp32(bundle: Bundle) -> bool:
    """Whether the bundle's int8 file was lowered before front ends took their DFT in int8."""
    return FP32_MODULES[0] in bundle.manifest["precisions"]["int8"]["quantisation"]["left_fp32"]


def load_program(network: nn.Module, example: Tensor, threads: int) -> Engine:
    """Lower a net that needs no file of its own and load it."""
    with quiet():
        program = lower_program(network, example).program
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pte"
        path.write_bytes(program)
        engine = Engine(path, threads)
        engine.run_tensor(example)  # the runtime maps the file's weights on the first run
    return engine


def _large_product(precision: str, threads: int) -> tuple[Callable[[], object], int]:
    layer: nn.Module = nn.Conv2d(CHANNELS, CHANNELS, 1).eval()
    inputs = torch.randn(1, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    if precision == "int8":
        with quiet():
            layer = quantize(layer, [inputs], last_layer_fp32=False)
    engine = load_program(layer, inputs, threads)
    return lambda: engine.run_tensor(inputs), CHANNELS * CHANNELS * SIDE * SIDE


def _run_eager(net: nn.Module, clip: Tensor) -> Tensor:
    with torch.inference_mode():
        return net(clip)
