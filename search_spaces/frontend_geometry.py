"""The front end's settings and what follows from them by arithmetic alone (no torch, no weights).

Letters: T samples at the front end's rate, N samples of a window, F frames.
"""

from __future__ import annotations

from dataclasses import dataclass

from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.errors import UserError

# Every combination is valid. A window shorter than the hop leaves samples out, which is cheap.
RATES_HZ = (8_000, 16_000)
HOPS_MS = (10, 16, 20, 32)
WINDOWS_MS = (20, 32, 64)
MELS = (20, 32, 40, 64)
FINE_MELS = 128  # leave no band empty only where the bins are finest: 16 kHz, 64 ms
SCALES = ("mel", "linear")

DECIMATION_ROW = 32  # input samples that one row of the decimating product reads


@dataclass(frozen=True)
class FrontEndGeometry:
    """Sizes of one front end.

    Args:
        rate_hz: rate at which the spectrum is taken, one of `RATES_HZ`.
        hop_ms: distance of two frames, one of `HOPS_MS`.
        window_ms: length of the Hann window and of the DFT, one of `WINDOWS_MS`.
        mels: bands, one of `MELS`, or `FINE_MELS`.
        clip_samples: samples of a clip at 16 kHz, whole rows of `DECIMATION_ROW`.
        scale: on which the bands lie evenly, one of `SCALES`.

    Raises:
        UserError: a value that is not allowed; the message names field, value and values allowed.
    """

    rate_hz: int
    hop_ms: int
    window_ms: int
    mels: int
    clip_samples: int = CLIP_SAMPLES
    scale: str = "mel"

    def __post_init__(self) -> None:
        finest = self.rate_hz == max(RATES_HZ) and self.window_ms == max(WINDOWS_MS)
        allowed_values: dict[str, tuple[int | str, ...]] = {
            "rate_hz": RATES_HZ,
            "hop_ms": HOPS_MS,
            "window_ms": WINDOWS_MS,
            "mels": (*MELS, FINE_MELS) if finest else MELS,
            "scale": SCALES,
        }
        for field, allowed in allowed_values.items():
            value = getattr(self, field)
            if value not in allowed:
                raise UserError(f"front end: {field} is {value!r}, allowed: {allowed}")
        shortest = 2 * max(WINDOWS_MS) * SAMPLE_RATE_HZ // 1000
        if self.clip_samples % DECIMATION_ROW or self.clip_samples < shortest:
            raise UserError(
                f"front end: clip_samples is {self.clip_samples!r}, allowed: multiples of"
                f" {DECIMATION_ROW} from {shortest} on"
            )

    @property
    def decimated(self) -> bool:
        """Whether the front end halves the clip's rate first."""
        return self.rate_hz < SAMPLE_RATE_HZ

    @property
    def hop_samples(self) -> int:
        """Samples from one frame's start to the next one's."""
        return self.rate_hz * self.hop_ms // 1000

    @property
    def window_samples(self) -> int:
        """N, samples of a frame."""
        return self.rate_hz * self.window_ms // 1000

    @property
    def samples(self) -> int:
        """T, samples of a clip at the front end's rate."""
        if not self.decimated:
            return self.clip_samples
        rows = (
            self.clip_samples // DECIMATION_ROW - 1
        )  # the last row only completes the one before it
        return rows * DECIMATION_ROW // 2

    @property
    def frames(self) -> int:
        """F, frames that lie wholly within a clip."""
        return (self.samples - self.window_samples) // self.hop_samples + 1

    @property
    def hops(self) -> int:
        """Whole hops that the frames reach into, possibly one beyond the clip."""
        return self.frames + (self.window_samples - 1) // self.hop_samples
