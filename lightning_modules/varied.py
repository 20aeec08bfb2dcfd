"""The varied protocol: what the other two tie together is drawn apart.

Under `libricount` nobody pauses and there is no room, in `rooms` everybody takes turns. A net that
hears those alone learns to take reverberation for turns, and says two where one person talks on in
a room. Here a room tells nothing of turns, levels or noise (domain randomisation: Tobin et al.,
2017), and noise may swell and fade as voices do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lightning_modules.audio import Int16
from lightning_modules.mixtures_noise import NoiseBank, add_noise
from lightning_modules.mixtures_parts import Mix
from lightning_modules.rooms import BYSTANDERS, LEVEL_RANGE_DB, converse, in_room, nobody
from lightning_modules.rooms_bank import RoomBank
from search_spaces.clip import CLIP_SAMPLES

SNR_RANGE_DB = (5.0, 50.0)  # from the noisiest of `rooms` to the faintest of `libricount`
_SHARE_IN_ROOMS = 0.5
_SHARES_THROUGHOUT = (0.0, 0.5, 1.0)  # of the people of a clip, on average; one is drawn


class Varied:
    """Up to k people speak at once, k uniform; room, turns, levels and noise have no tie.

    A clip is in a room or dry; all of its people speak throughout, or each does with one half's
    chance, or all take turns; their levels spread by up to 0 to 6 dB on either side; half of the
    noise is unsteady (`NoiseBank.draw_any`). The count is that of `Rooms`: from what was really
    said.

    Args:
        bank: the rooms to speak in.
        voice_speed: see `random_window`; 0 leaves the voices as they are.
    """

    name = "varied"

    def __init__(self, bank: RoomBank, voice_speed: float = 0.0) -> None:
        self._bank = bank
        self._voice_speed = voice_speed

    def mix(
        self,
        rng: np.random.Generator,
        voices: Sequence[Int16],
        max_count: int,
        noise: NoiseBank,
    ) -> Mix:
        """See `MixtureProtocol.mix`."""
        together = int(rng.integers(max_count + 1))
        if together == 0:
            return nobody(noise.draw_any(rng, CLIP_SAMPLES), self.name)
        talks_on = rng.random(together) < rng.choice(_SHARES_THROUGHOUT)
        more = 0 if talks_on.all() else int(rng.integers(BYSTANDERS + 1))
        people = min(together + more, max_count)
        readers = rng.choice(len(voices), people, replace=False)
        spread = rng.random()
        dry, count = converse(
            rng,
            [voices[reader] for reader in readers],
            together,
            self._voice_speed,
            level_range_db=(spread * LEVEL_RANGE_DB[0], spread * LEVEL_RANGE_DB[1]),
            throughout=np.flatnonzero(talks_on).tolist(),
        )
        if rng.random() < _SHARE_IN_ROOMS:
            room = int(rng.integers(len(self._bank.rt60_s)))
            speech, rt60_s = in_room(rng, dry, self._bank, room)
        else:
            speech, rt60_s = dry[:, -CLIP_SAMPLES:].sum(axis=0), float("nan")
        background = noise.draw_any(rng, CLIP_SAMPLES)
        waveform, snr_db = add_noise(rng, speech, background, SNR_RANGE_DB)
        heard = tuple(int(reader) for reader in readers)
        return Mix(waveform, count, snr_db, rt60_s, heard, self.name)
