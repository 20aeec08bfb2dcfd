"""torchvision's image CNNs, by their names there, with fresh weights.

Letters: B batch, S side of the picture, K outputs.
"""

from __future__ import annotations

import torch
from torch import nn

# What they were trained on: RGB in [0, 1] less the first, over the second.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def build_image_cnn(name: str, num_outputs: int, seed: int = 0) -> nn.Module:
    """A CNN with fresh weights: float32 [B, 3, S, S] -> logits [B, K].

    Args:
        name: torchvision's, e.g. ``mobilenet_v2``.
        num_outputs: K.
        seed: of the fresh weights; the global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        cnn = bare_image_cnn(name, num_outputs)
        for module in cnn.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        last = cnn.get_submodule(last_layer(cnn))
        nn.init.normal_(last.weight, std=0.01)  # type: ignore[arg-type]
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    return cnn


def bare_image_cnn(name: str, num_outputs: int) -> nn.Module:
    """The same with whatever weights torchvision begins with."""
    from torchvision.models import get_model  # takes a second to load, and few nets need it

    cnn = get_model(name, weights=None, num_classes=num_outputs)
    if name.startswith("squeezenet"):
        cnn.classifier[2] = nn.Identity()  # a ReLU, which would forbid negative logits
    return cnn


def last_layer(cnn: nn.Module) -> str:
    """Name of the layer that makes the logits: the last that has weights and is no norm."""
    layers = (nn.Linear, nn.Conv2d)
    return [name for name, module in cnn.named_modules() if isinstance(module, layers)][-1]
