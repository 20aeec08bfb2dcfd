"""The libricount protocol: everybody talks all the time, equally loud, in the dry.

After LibriCount (Stöter, Chakrabarty, Habets, Edler: "LibriCount, a dataset for speaker count
estimation", 2018; CountNet, IEEE/ACM TASLP 27(2), 2019, section IV), with faint noise added.
Legend: T samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lightning_modules.audio import Int16
from lightning_modules.mixtures_noise import NoiseBank, add_noise, rms
from lightning_modules.mixtures_parts import Mix, random_window
from search_spaces.clip import CLIP_SAMPLES

SNR_RANGE_DB = (20.0, 50.0)  # of the whole mixture: faint


class LibriCount:
    """k readers, all different, each speaking throughout, 0 dB against each other; k uniform.

    Args:
        voice_speed: see `random_window`; 0 leaves the voices as they are.
    """

    name = "libricount"

    def __init__(self, voice_speed: float = 0.0) -> None:
        self._voice_speed = voice_speed

    def mix(
        self,
        rng: np.random.Generator,
        voices: Sequence[Int16],
        max_count: int,
        noise: NoiseBank,
    ) -> Mix:
        """See `MixtureProtocol.mix`; the count is the number of readers, exactly."""
        count = int(rng.integers(max_count + 1))
        speech = np.zeros(CLIP_SAMPLES, np.float32)
        readers = tuple(int(reader) for reader in rng.choice(len(voices), count, replace=False))
        for reader in readers:
            window = random_window(rng, voices[reader], CLIP_SAMPLES, self._voice_speed)
            speech += window / np.float32(rms(window))
        background = noise.draw(rng, CLIP_SAMPLES)
        waveform, snr_db = add_noise(rng, speech, background, SNR_RANGE_DB)
        return Mix(waveform, count, snr_db, float("nan"), readers, self.name)
