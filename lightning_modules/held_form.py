"""What is kept of a clip that comes again: its sound, or what one net's front end makes of it.

Legend: T samples, F mel bands, L frames.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_modules.audio import Int16, from_pcm16
from lightning_modules.mixtures import Clip
from search_spaces.architecture import Architecture, largest, read_architecture
from search_spaces.clip import CLIP_SAMPLES
from search_spaces.errors import UserError
from search_spaces.frontend import LogMelFrontEnd
from search_spaces.frontend_geometry import frontend_settings
from search_spaces.space import SpaceSpec
from search_spaces.spaces import SPACES


class HeldForm(Protocol):
    """A form in which clips are kept.

    Attributes:
        field: its name in a training batch.
        file: its name in the cache.
        dtype, shape: of one clip.
        tolerance: by which two makings of one clip may differ.
    """

    field: str
    file: str
    dtype: type[np.generic]
    shape: tuple[int, ...]
    tolerance: float

    def of(self, clip: Clip) -> NDArray[Any]:
        """A clip in this form."""
        ...

    def described(self) -> dict[str, Any]:
        """What the form depends on, as plain values; empty for the sound itself."""
        ...


class Sound:
    """The sound itself, int16 [T]: 160 kB."""

    field = "waveform"
    file = "clips.i16"
    dtype: type[np.generic] = np.int16
    shape: tuple[int, ...] = (CLIP_SAMPLES,)
    tolerance = 0.0

    def of(self, clip: Clip) -> Int16:
        """See `HeldForm.of`."""
        return clip.samples

    def described(self) -> dict[str, Any]:
        """See `HeldForm.described`."""
        return {}


class Features:
    """Log-mel features of one net's front end, float16 [1, F, L]: 20 to 60 kB, and no step waits.

    Float16 has steps of 1 / 128 where features are largest, 0.03 dB of energy.

    Args:
        architecture: the net.
    """

    field = "features"
    file = "features.f16"
    dtype: type[np.generic] = np.float16
    tolerance = 0.05  # another processor adds up in another order

    def __init__(self, architecture: Architecture) -> None:
        self.settings = frontend_settings(architecture.choices)
        self._frontend = LogMelFrontEnd(**self.settings, clip_samples=architecture.clip_samples)
        self.shape: tuple[int, ...] = self._frontend.output_shape()

    @torch.no_grad()
    def of(self, clip: Clip) -> NDArray[np.float16]:
        """See `HeldForm.of`."""
        features = self._frontend(torch.from_numpy(from_pcm16(clip.samples))[None])
        return features[0].numpy().astype(np.float16)

    def described(self) -> dict[str, Any]:
        """See `HeldForm.described`."""
        return {"features": self.settings}


def features_of(architecture: Path | None, spec: SpaceSpec) -> Features:
    """The form for one net, or for all nets of a space that has one front end.

    Args:
        architecture: the net's `architecture.json`, if it is one net.
        spec: the space.

    Raises:
        UserError: the nets' front ends differ.
    """
    if architecture is not None and architecture.is_file():
        return Features(read_architecture(architecture))
    if spec.one_frontend:
        return Features(largest(spec))
    raise UserError(
        "data.held_features: true, but the nets of a step may have unlike front ends; name one net"
        " by model.architecture, a file, or take a space that has one,"
        f" {' or '.join(name for name, spec in SPACES.items() if spec.one_frontend)}"
    )
