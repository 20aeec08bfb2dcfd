"""DeepSpectrum's net: spectrogram pictures to an image CNN (Amiriparian et al. 2021).

"DeepSpectrumLite: a power-efficient transfer learning framework for embedded speech and audio
processing from decentralised data". Letters: B batch, T samples, F bands, L frames, K outputs.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from search_spaces.architecture import Architecture
from search_spaces.frontend import LogMelFrontEnd
from search_spaces.frontend_geometry import frontend_settings
from search_spaces.image_cnn import build_image_cnn
from search_spaces.picture import SpectrogramPicture


class PictureNet(nn.Module):
    """Waveform to logits by way of a picture.

    Args:
        frontend: waveform to features, without learnt weights.
        picture: features to picture, without learnt weights.
        cnn: picture to logits.
    """

    def __init__(self, *, frontend: LogMelFrontEnd, picture: nn.Module, cnn: nn.Module) -> None:
        super().__init__()
        self.frontend = frontend
        self.picture = picture
        self.cnn = cnn

    def features(self, waveform: Tensor) -> Tensor:
        """Waveform float32 [B, T] at 16 kHz -> log features float32 [B, 1, F, L]."""
        return self.frontend(waveform)

    def classify(self, features: Tensor) -> Tensor:
        """Features float32 [B, 1, F, L] -> logits float32 [B, K]."""
        return self.cnn(self.picture(features))

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform float32 [B, T] at 16 kHz -> logits float32 [B, K]."""
        return self.classify(self.features(waveform))


def build_picture_net(architecture: Architecture, num_outputs: int, seed: int = 0) -> PictureNet:
    """A net of a picture space with fresh weights.

    Args:
        architecture: of one of `spaces.PICTURE_SPACES`.
        num_outputs: K.
        seed: of the fresh weights.

    Raises:
        UserError: bands too narrow for the window.
    """
    choices: Any = architecture.choices
    frontend = LogMelFrontEnd(**frontend_settings(choices), clip_samples=architecture.clip_samples)
    picture = SpectrogramPicture(
        frontend.geometry.mels,
        frontend.frames,
        choices["picture_size"],
        choices["colour_map"],
    )
    cnn = build_image_cnn(choices["cnn"], num_outputs, seed)
    return PictureNet(frontend=frontend, picture=picture, cnn=cnn)
