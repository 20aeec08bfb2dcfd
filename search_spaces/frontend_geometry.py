"""The front end's settings and what follows from them by arithmetic alone (no torch, no weights).

Letters: T samples at the front end's rate, N samples of a window, F frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.errors import UserError

# A window shorter than the hop leaves samples out, which is cheap.
RATES_HZ = (4_000, 8_000, 16_000)
HOPS_MS = (10, 16, 20, 32, 40)
WINDOWS_MS = (20, 32, 40, 64)
MELS = (20, 32, 40, 64)
FINE_MELS = 128  # leave no band empty only where the bins are finest, in the longest window
SINGLE_BINS = (*MELS, 112, FINE_MELS)  # how many bands that are single bins there may be
BIN_STEPS = {"bins": 1, "even_bins": 2}  # from one band to the next, where bands are bins
SCALES = ("mel", "linear", *BIN_STEPS)

LOWEST_HZ = 60.0  # hum and the window's leakage of a DC offset lie below
HIGHEST_OF_NYQUIST = 0.925  # the decimating filter is compensated up to here

DECIMATED_ROW = 16  # samples that one row of the decimating product yields


@dataclass(frozen=True)
class FrontEndGeometry:
    """Sizes of one front end.

    Args:
        rate_hz: rate at which the spectrum is taken, one of `RATES_HZ`; the lowest one takes the
            longest window alone, or bands would be empty.
        hop_ms: distance of two frames, one of `HOPS_MS`.
        window_ms: length of the Hann window and of the DFT, one of `WINDOWS_MS`.
        mels: bands, one of `MELS`, or `FINE_MELS` with the longest window; of bins one of
            `SINGLE_BINS`.
        clip_samples: samples of a clip at 16 kHz, whole rows of the slowest rate's decimation.
        scale: on which the bands lie evenly; or ``bins``, where a band is one bin of the DFT, from
            `LOWEST_HZ` on, as many as the rate has room for; or ``even_bins``, every other one.

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
        longest = max(WINDOWS_MS)
        self._check("rate_hz", RATES_HZ)
        self._check("hop_ms", HOPS_MS)
        lowest_rate = self.rate_hz == min(RATES_HZ)
        self._check("window_ms", (longest,) if lowest_rate else WINDOWS_MS)
        self._check("scale", SCALES)
        self._check("mels", self._mels_allowed())
        shortest = 2 * longest * SAMPLE_RATE_HZ // 1000
        row = DECIMATED_ROW * SAMPLE_RATE_HZ // min(RATES_HZ)
        if self.clip_samples % row or self.clip_samples < shortest:
            raise UserError(
                f"front end: clip_samples is {self.clip_samples!r}, allowed: multiples of"
                f" {row} from {shortest} on"
            )

    def _check(self, field: str, allowed: tuple[int | str, ...]) -> None:
        value = getattr(self, field)
        if value not in allowed:
            raise UserError(f"front end: {field} is {value!r}, allowed: {allowed}")

    def _mels_allowed(self) -> tuple[int, ...]:
        if self.bin_step:
            last = int(self.highest_hz * self.window_ms / 1000)
            bins = (last - self.first_bin) // self.bin_step + 1
            return tuple(mels for mels in SINGLE_BINS if mels <= bins)
        return (*MELS, FINE_MELS) if self.window_ms == max(WINDOWS_MS) else MELS

    @property
    def highest_hz(self) -> float:
        """Where the bands end."""
        return HIGHEST_OF_NYQUIST * self.rate_hz / 2

    @property
    def bin_step(self) -> int:
        """From one band's bin to the next one's; 0 where a band is more than a bin."""
        return BIN_STEPS.get(self.scale, 0)

    @property
    def first_bin(self) -> int:
        """The lowest bin that is a band, where bands are bins."""
        return self.bin_step * math.ceil(LOWEST_HZ * self.window_ms / 1000 / self.bin_step)

    @property
    def odd_first(self) -> bool:
        """Whether the lowest band is an odd one of the bins that may be, where bands are bins."""
        return self.first_bin // self.bin_step % 2 == 1

    @property
    def decimation(self) -> int:
        """By how much the front end divides the clip's rate first; 1 leaves it."""
        return SAMPLE_RATE_HZ // self.rate_hz

    @property
    def decimation_row(self) -> int:
        """Input samples that one row of the decimating product reads."""
        return DECIMATED_ROW * self.decimation

    @property
    def decimation_rows(self) -> int:
        """Such rows in a clip."""
        return self.clip_samples // self.decimation_row

    @property
    def hop_samples(self) -> int:
        """Samples from one frame's start to the next one's."""
        return self.rate_hz * self.hop_ms // 1000

    @property
    def window_samples(self) -> int:
        """N, samples of a frame."""
        return self.rate_hz * self.window_ms // 1000

    @property
    def dft_samples(self) -> int:
        """Numbers of what is transformed: N, or for even bins the sum of both halves, N / 2."""
        return self.window_samples // max(1, self.bin_step)

    @property
    def samples(self) -> int:
        """T, samples of a clip at the front end's rate."""
        if self.decimation == 1:
            return self.clip_samples
        return (self.decimation_rows - 1) * DECIMATED_ROW  # the last row completes the one before

    @property
    def frames(self) -> int:
        """F, frames that lie wholly within a clip."""
        return (self.samples - self.window_samples) // self.hop_samples + 1

    @property
    def hops(self) -> int:
        """Whole hops that the frames reach into, possibly one beyond the clip."""
        return self.frames + (self.window_samples - 1) // self.hop_samples

    @property
    def framed_samples(self) -> int:
        """Samples of these hops."""
        return self.hops * self.hop_samples


def frontend_settings(choices: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `FrontEndGeometry` but the clip's length, from an architecture's choices.

    A space without the dimension ``frontend_scale`` (the first ones had none) has mel bands.
    """
    settings = {
        name: choices[f"frontend_{name}"] for name in ("rate_hz", "hop_ms", "window_ms", "mels")
    }
    return {**settings, "scale": choices.get("frontend_scale", "mel")}
