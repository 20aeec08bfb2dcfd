"""Spectrograms as coloured pictures of a fixed size, by products and ReLUs alone.

Letters: B batch, F bands, L frames, S side of the picture, N knots of the colour map.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.colour_maps import colour_knots
from search_spaces.image_cnn import IMAGENET_MEAN, IMAGENET_STD

# The brightest colour: features of `LogMelFrontEnd` reach 14 at 21 dB above the clip's mean; 0,
# the darkest, is 40 dB below it.
BRIGHTEST = 14.0


class SpectrogramPicture(nn.Module):
    """Log features to a picture as an image CNN was trained on: low frequencies below, RGB.

    The weights are fixed and no part of the state dict. A colour map of N knots is a sum of N
    ramps, so colouring is a 1x1 convolution, a ReLU and another one; resizing (bilinear, with
    anti-aliasing) is a product from either side. XNNPACK takes all of it.

    Args:
        bands, frames: F and L.
        size: S.
        colour_map: one of `colour_maps.COLOUR_MAPS`.

    Raises:
        UserError: there is no such colour map.
    """

    def __init__(self, bands: int, frames: int, size: int, colour_map: str) -> None:
        super().__init__()
        values, colours = colour_knots(colour_map)
        mean, std = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
        normalised = (colours - mean) / std
        slopes = np.diff(normalised, axis=0) / np.diff(values)[:, None]
        bends = np.diff(slopes, axis=0, prepend=0.0, append=0.0)  # flat before 0 and beyond 1
        self._constant("ramp", np.full((len(values), 1, 1, 1), 1.0 / BRIGHTEST))
        self._constant("ramp_start", -values)
        self._constant("bend", bends.T[:, :, None, None])
        self._constant("darkest", normalised[0])
        self._constant("to_width", resize_weights(frames, size))
        self._constant("to_height", resize_weights(bands, size)[::-1])

    def _constant(self, name: str, value: NDArray[np.floating]) -> None:
        tensor = torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32))
        self.register_buffer(name, tensor, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Features float32 [B, 1, F, L] -> picture float32 [B, 3, S, S], in float32 under autocast.

        The picture is RGB less ImageNet's mean, over its standard deviation.
        """
        device = features.device.type
        if torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):
                return self.forward(features.float())
        ramps = functional.relu(
            functional.conv2d(features, self.get_buffer("ramp"), self.get_buffer("ramp_start"))
        )
        coloured = functional.conv2d(ramps, self.get_buffer("bend"), self.get_buffer("darkest"))
        wide = functional.linear(coloured, self.get_buffer("to_width"))  # [B, 3, F, S]
        high = functional.linear(wide.transpose(2, 3), self.get_buffer("to_height"))
        return high.transpose(2, 3)


def resize_weights(length: int, size: int) -> NDArray[np.float32]:
    """Bilinear resizing of ``length`` points to ``size`` as a product, [size, length]."""
    points = torch.eye(length)[None, None]
    resized = functional.interpolate(points, size=(size, length), mode="bilinear", antialias=True)
    return resized[0, 0].numpy()
