"""From an eager net to a program for the ExecuTorch runtime with its XNNPACK delegate.

Letters: B batch (always 1 here), T samples of a clip, K outputs.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from deploy.delegation import Delegation, delegation_of
from search_spaces.task import Task


class ProbabilityNet(nn.Module):
    """What is lowered: a net and what turns its logits into probabilities.

    Args:
        network: waveform [B, T] to logits [B, K].
        temperature: logits are divided by it before that (Guo et al. 2017, section 4.2).
        several: whether several outputs may be right: sigmoid instead of softmax.
    """

    def __init__(self, network: nn.Module, temperature: float = 1.0, several: bool = False) -> None:
        super().__init__()
        self.network = network
        self.several = several
        self.register_buffer("temperature", torch.tensor(float(temperature)))

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform float32 [B, T] -> probability of each output, float32 [B, K]."""
        logits = self.network(waveform) / self.temperature
        return torch.sigmoid(logits) if self.several else torch.softmax(logits, dim=-1)


class EmbeddingNet(nn.Module):
    """What is lowered of an embedding: a net, and what its task makes of the outputs.

    Args:
        network: waveform [B, T] to outputs [B, K].
        task: of the outputs.
    """

    def __init__(self, network: nn.Module, task: Task) -> None:
        super().__init__()
        self.network = network
        self.task = task

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform float32 [B, T] -> embedding float32 [B, K]."""
        return self.task.probabilities(self.network(waveform))


def answering_net(network: nn.Module, task: Task, temperature: float) -> nn.Module:
    """What is lowered of a net, in evaluation mode.

    Args:
        network: waveform [B, T] to logits [B, K].
        task: what these mean.
        temperature: see `ProbabilityNet`; of probabilities alone.
    """
    if task.probabilistic:
        return ProbabilityNet(network, temperature, task.several).eval()
    return EmbeddingNet(network, task).eval()


@dataclass(frozen=True)
class LoweredProgram:
    """A program as bytes (the content of a ``.pte``), and where it runs."""

    program: bytes
    delegation: Delegation


def example_waveform(samples: int) -> Tensor:
    """A clip of the only shape that a lowered file takes: float32 [1, T]."""
    return torch.zeros(1, samples)


def ready_to_lower(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode with folded batch norms and constants laid out contiguously.

    Within each module, a `Conv2d` whose next sibling is a `BatchNorm2d` takes it in. The lowering
    would do the same, but spends a third of its time on it. A norm that follows none becomes a
    convolution of its own.
    """
    folded = copy.deepcopy(network).eval()
    for module in list(folded.modules()):
        children = list(module.named_children())
        for (name, child), (next_name, following) in pairwise(children):
            if isinstance(child, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(child, following))
                setattr(module, next_name, nn.Identity())
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):  # a DenseNet's, of which XNNPACK refuses the net
                setattr(module, name, _as_convolution(child))
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
            tensor.data = tensor.data.contiguous()  # ExecuTorch refuses constants of other layouts
    return folded


def _as_convolution(norm: nn.BatchNorm2d) -> nn.Module:
    """A depthwise convolution of one tap, which scales and shifts each channel as the norm does."""
    channels = norm.num_features
    plain = nn.Conv2d(channels, channels, 1, groups=channels, bias=False).eval()
    nn.init.ones_(plain.weight)
    return fuse_conv_bn_eval(plain, norm)


def lower_program(network: nn.Module, example: Tensor) -> LoweredProgram:
    """Lower a net, fp32 or already quantised by PT2E, for inputs shaped like ``example``."""
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    from deploy.lean_lowering import LeanPartitioner, lean_lowering

    with torch.no_grad(), lean_lowering():
        edge = to_edge_transform_and_lower(
            torch.export.export(network, (example,)),
            partitioner=[LeanPartitioner()],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
        delegation = delegation_of(edge.exported_program().graph_module)
        return LoweredProgram(bytes(edge.to_executorch().buffer), delegation)
