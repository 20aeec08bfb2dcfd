"""`model.pictures`: which pictures go to which image CNN, and how it is fine-tuned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lightning_modules.ranges import check_range
from search_spaces.architecture import Architecture
from search_spaces.errors import UserError
from search_spaces.space import SpaceSpec
from search_spaces.spaces import DEEPSPECTRUM, PICTURE_SPACES

RATE_HZ = 16_000
CACHE, RANDOM, NONE = "cache", "random", "none"
# Dimension of the space by field.
DIMENSIONS = {
    "cnn": "cnn",
    "colour_map": "colour_map",
    "size": "picture_size",
    "scale": "frontend_scale",
    "bands": "frontend_mels",
    "hop_ms": "frontend_hop_ms",
    "window_ms": "frontend_window_ms",
}


@dataclass(frozen=True)
class Pictures:
    """A net of spectrogram pictures and an image CNN (docs/deepspectrum.md).

    It is trained in two phases (Amiriparian et al. 2021): pre-trained weights stay frozen while the
    new last layer learns, then the CNN learns too, slowly. Random weights learn from the start.

    Attributes:
        cnn: torchvision's name of it; ``none`` for nets without pictures.
        weights: where its pre-trained weights are: ``cache`` (torchvision's, on this machine), a
            path, or ``random`` for none. Nothing is downloaded.
        colour_map: see `search_spaces.colour_maps`.
        scale: on which the frequency bands lie evenly.
        bands: frequency bands; 128 only with ``window_ms`` 64.
        hop_ms: distance of two frames.
        window_ms: length of a frame.
        size: side of the picture, in pixels.
        frozen_steps: optimiser steps in which only the last layer learns.
        unfrozen_share: share of the CNN's layers, from its end, that learn after that.
        unfrozen_rate: their learning rate, as a share of the last layer's.
    """

    cnn: str = NONE
    weights: str = CACHE
    colour_map: str = "viridis"
    scale: Literal["mel", "linear"] = "mel"
    bands: int = 128
    hop_ms: int = 10
    window_ms: int = 64
    size: int = 224
    frozen_steps: int = 500
    unfrozen_share: float = 1.0
    unfrozen_rate: float = 0.1

    def __post_init__(self) -> None:
        check_range("pictures.frozen_steps", self.frozen_steps, 0)
        check_range("pictures.unfrozen_share", self.unfrozen_share, 0.0, 1.0)
        check_range("pictures.unfrozen_rate", self.unfrozen_rate, 0.0, 1.0)
        for field, dimension in DIMENSIONS.items():
            value, choices = getattr(self, field), DEEPSPECTRUM.dimensions[dimension]
            if value not in choices and (field, value) != ("cnn", NONE):
                allowed = ", ".join(map(str, choices))
                raise UserError(f"model.pictures.{field}: got {value!r}, allowed: {allowed}")

    @property
    def asked(self) -> bool:
        """Whether there are pictures at all."""
        return self.cnn != NONE

    def architecture(self, spec: SpaceSpec) -> Architecture:
        """The net of a picture space that the fields describe.

        Raises:
            UserError: the space is another one.
        """
        if spec.name not in PICTURE_SPACES:
            raise UserError(
                f"model.pictures: got with model.space {spec.name}, which has no pictures; set"
                f" model.space to {' or '.join(PICTURE_SPACES)}"
            )
        choices: dict[str, Any] = {"frontend_rate_hz": RATE_HZ}
        choices |= {dimension: getattr(self, field) for field, dimension in DIMENSIONS.items()}
        ordered = {dimension: choices[dimension] for dimension in spec.dimensions}
        return Architecture(spec.name, spec.version, ordered).validate()
