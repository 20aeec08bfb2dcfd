"""Transfer learning in two phases: the last layer alone, then the CNN too, slowly.

Amiriparian et al. 2021, section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from lightning_modules.pictures import Pictures
from lightning_modules.pretrained import find_weights, load_pretrained
from search_spaces.files import sha256_file
from search_spaces.image_cnn import last_layer


class Transfer:
    """Fine-tunes the CNN of one net of pictures.

    Args:
        pictures: say which weights, and when how much of the CNN learns.

    Attributes:
        sha256: of the file of pre-trained weights once it is loaded; None for random weights, which
            are never frozen.
    """

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures
        self.sha256: str | None = None

    def find(self) -> Path | None:
        """The file of pre-trained weights that a new run begins with, if any.

        Raises:
            UserError: see `pretrained.find_weights`.
        """
        return find_weights(self.pictures.cnn, self.pictures.weights)

    def load(self, cnn: nn.Module) -> None:
        """Fill the CNN with its pre-trained weights.

        Raises:
            UserError: see `pretrained.find_weights` and `pretrained.load_pretrained`.
        """
        path = self.find()
        if path is not None:
            load_pretrained(cnn, self.pictures.cnn, path)
            self.sha256 = sha256_file(path)

    def set_phase(self, cnn: nn.Module, step: int) -> None:
        """Freeze and unfreeze as the phase of ``step`` asks, for the next pass.

        A frozen batch norm keeps the statistics that it came with.

        Args:
            cnn: in training mode.
            step: optimiser steps so far.
        """
        layers = cnn_layers(cnn)
        share = self.pictures.unfrozen_share if step >= self.pictures.frozen_steps else 0.0
        first = 0 if self.sha256 is None else len(layers) - round(share * len(layers))
        for place, layer in enumerate(layers):
            learns = place >= first
            layer.train(learns)
            for parameter in layer.parameters(recurse=False):
                parameter.requires_grad_(learns)

    def rate_share(self, cnn: nn.Module) -> Callable[[str], float]:
        """Share of the learning rate by the name of a parameter of the net, ``cnn.<name>``."""
        last, rate = f"cnn.{last_layer(cnn)}.", self.pictures.unfrozen_rate
        return lambda name: 1.0 if self.sha256 is None or name.startswith(last) else rate

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on: the weights by their hash, not their place."""
        return {**asdict(self.pictures), "weights": self.sha256 or self.pictures.weights}


def cnn_layers(cnn: nn.Module) -> list[nn.Module]:
    """Modules with parameters of their own, in order, without the last."""
    last = last_layer(cnn)
    return [
        module
        for name, module in cnn.named_modules()
        if name != last and any(True for _ in module.parameters(recurse=False))
    ]
