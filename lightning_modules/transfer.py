"""Transfer learning in two phases: the last layer alone, then the CNN too, slowly.

Amiriparian et al. 2021, section 2.2.
"""

from __future__ import annotations

from torch import nn

from lightning_modules.pictures import Pictures
from search_spaces.image_cnn import last_layer
from search_spaces.picture_net import PictureNet


def cnn_layers(cnn: nn.Module) -> list[nn.Module]:
    """Modules with parameters of their own, in order, without the last."""
    last = last_layer(cnn)
    return [
        module
        for name, module in cnn.named_modules()
        if name != last and any(True for _ in module.parameters(recurse=False))
    ]


def set_phase(net: PictureNet, pictures: Pictures, pretrained: bool, step: int) -> None:
    """Freeze and unfreeze the CNN as the phase of ``step`` asks, for the next pass.

    A frozen batch norm keeps the statistics that it came with.

    Args:
        net: in training mode.
        pictures: says when and how much.
        pretrained: whether there is something to keep; random weights are never frozen.
        step: optimiser steps so far.
    """
    layers = cnn_layers(net.cnn)
    share = pictures.unfrozen_share if step >= pictures.frozen_steps else 0.0
    first = len(layers) - round(share * len(layers)) if pretrained else 0
    for place, layer in enumerate(layers):
        learns = place >= first
        layer.train(learns)
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(learns)


def learning_rate_share(net: PictureNet, pictures: Pictures, pretrained: bool, name: str) -> float:
    """Share of the learning rate that the parameter ``name`` of ``net`` gets."""
    slow = pretrained and not name.startswith(f"cnn.{last_layer(net.cnn)}.")
    return pictures.unfrozen_rate if slow else 1.0
