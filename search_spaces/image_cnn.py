"""Image CNNs by their torchvision names: some built here, the others by torchvision if present.

Those built here have torchvision's parameter names, so that its published files of weights fit.
Letters: B batch, S side of the picture, K outputs.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import nn

from search_spaces.errors import UserError
from search_spaces.image_cnn_densenet import densenet121
from search_spaces.image_cnn_mobilenet import mobilenet_v2
from search_spaces.image_cnn_resnet import resnet18, resnet34
from search_spaces.image_cnn_squeezenet import squeezenet1_1

BUILT_HERE = {
    function.__name__: function
    for function in (squeezenet1_1, mobilenet_v2, resnet18, densenet121, resnet34)
}
# What they were trained on: RGB in [0, 1] less the first, over the second.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def build_image_cnn(name: str, num_outputs: int, seed: int = 0) -> nn.Module:
    """A CNN with fresh weights: float32 [B, 3, S, S] -> logits [B, K].

    Args:
        name: torchvision's, e.g. ``mobilenet_v2``.
        num_outputs: K.
        seed: of the fresh weights; the global random state is left as it was.

    Raises:
        UserError: it is not built here and torchvision, which has it, is not installed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name in BUILT_HERE:
            cnn = BUILT_HERE[name](num_outputs)
        else:
            cnn = _torchvision_models(name).get_model(name, weights=None, num_classes=num_outputs)
        for module in cnn.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        last = cnn.get_submodule(last_layer(cnn))
        nn.init.normal_(last.weight, std=0.01)  # type: ignore[arg-type]
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    return cnn


def last_layer(cnn: nn.Module) -> str:
    """Name of the layer that makes the logits: the last that has weights and is no norm."""
    layers = (nn.Linear, nn.Conv2d)
    return [name for name, module in cnn.named_modules() if isinstance(module, layers)][-1]


def _torchvision_models(name: str) -> Any:
    try:
        return importlib.import_module("torchvision.models")
    except ImportError:
        minor = int(torch.__version__.split(".")[1])  # torchvision 0.15 came with torch 2.0
        raise UserError(
            f"cnn: {name} is built by torchvision, which is not installed: .venv/bin/pip install"
            f" torchvision==0.{minor + 15}.*, or choose {', '.join(BUILT_HERE)}"
        ) from None
