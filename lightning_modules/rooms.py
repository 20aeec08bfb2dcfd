"""The rooms protocol: people who take turns in a reverberant, noisy room.

Legend: K people, T samples, H samples of history before the clip, L samples of a room response.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from scipy import fft

from lightning_modules.audio import Float32, Int16
from lightning_modules.audio_activity import FRAME_SAMPLES, active_frames, bridge_pauses
from lightning_modules.mixtures_noise import NoiseBank, add_noise, rms
from lightning_modules.mixtures_parts import Mix, random_window
from lightning_modules.rooms_bank import RESPONSE_SAMPLES, RoomBank
from lightning_modules.rooms_turns import draw_turns, to_gates
from search_spaces.clip import CLIP_SAMPLES

SNR_RANGE_DB = (5.0, 25.0)
LEVEL_RANGE_DB = (-6.0, 6.0)  # of a voice as the microphone hears it
BRIDGED_PAUSE_MS = 200  # between two sounds of one sentence one still speaks

BYSTANDERS = 2  # at most so many more, who speak at other moments
_HISTORY_SAMPLES = -(-RESPONSE_SAMPLES // FRAME_SAMPLES) * FRAME_SAMPLES  # whole frames
_FFT_SAMPLES = 3 * RESPONSE_SAMPLES  # the fastest of the lengths tried
_HOP_SAMPLES = _FFT_SAMPLES - RESPONSE_SAMPLES


class Rooms:
    """Up to k people speak at once, k uniform, and up to two more at other moments.

    The count is the largest number of people who speak at the same moment, from what was really
    said: a person speaks in a 20 ms frame of a turn if the dry voice is less than 35 dB below its
    loud frames there, and through pauses of up to 0.2 s. Reverberation after a turn is not speech.

    Args:
        bank: the rooms to speak in.
        voice_speed: see `random_window`; 0 leaves the voices as they are.
    """

    name = "rooms"

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
        room = int(rng.integers(len(self._bank.rt60_s)))
        if together == 0:
            return nobody(noise.draw(rng, CLIP_SAMPLES), self.name)
        people = min(together + int(rng.integers(BYSTANDERS + 1)), max_count)
        readers = rng.choice(len(voices), people, replace=False)
        dry, count = converse(
            rng, [voices[reader] for reader in readers], together, self._voice_speed
        )
        speech, rt60_s = in_room(rng, dry, self._bank, room)
        background = noise.draw(rng, CLIP_SAMPLES)
        waveform, snr_db = add_noise(rng, speech, background, SNR_RANGE_DB)
        heard = tuple(int(reader) for reader in readers)
        return Mix(waveform, count, snr_db, rt60_s, heard, self.name)


def nobody(noise: Float32, protocol: str) -> Mix:
    """A mixture of noise alone, float32 [T]."""
    return Mix(noise, 0, snr_db=float("nan"), rt60_s=float("nan"), voices=(), protocol=protocol)


def in_room(
    rng: np.random.Generator, dry: Float32, bank: RoomBank, room: int
) -> tuple[Float32, float]:
    """The sum of dry voices float32 [K, H + T] at random places of a room, [T], and its RT60."""
    places = rng.choice(bank.responses.shape[1], len(dry), replace=False)
    speech = reverberate(dry, bank.responses[room, places].astype(np.float32))
    return speech, float(bank.rt60_s[room])


def converse(
    rng: np.random.Generator,
    voices: Sequence[Int16],
    together: int,
    voice_speed: float = 0.0,
    level_range_db: tuple[float, float] = LEVEL_RANGE_DB,
    throughout: Collection[int] = (),
) -> tuple[Float32, int]:
    """K dry voices float32 [K, H + T] with their turns, and the most of them at one moment.

    ``throughout`` are those who never hand over; see `draw_turns`.
    """
    people = len(voices)
    samples = _HISTORY_SAMPLES + CLIP_SAMPLES
    dry = np.empty((people, samples), np.float32)
    for heard, voice in zip(dry, voices, strict=True):
        heard[:] = random_window(rng, voice, samples, voice_speed)
        heard /= rms(heard)
    speaking = bridge_pauses(active_frames(dry), BRIDGED_PAUSE_MS)
    clip_starts = _HISTORY_SAMPLES // FRAME_SAMPLES
    frames = samples // FRAME_SAMPLES
    turns = draw_turns(rng, people, together, frames, clip_starts, throughout)
    gains = 10 ** (rng.uniform(*level_range_db, (people, 1)) / 20)
    dry *= to_gates(turns) * gains.astype(np.float32)
    return dry, int((speaking & turns)[:, clip_starts:].sum(axis=0).max())


def reverberate(dry: Float32, responses: Float32) -> Float32:
    """Sum of the voices, each in its response, by overlap-save.

    Args:
        dry: float32 [K, H + T], H >= L.
        responses: float32 [K, L].

    Returns:
        float32 [T]: the last T samples of the sum of the convolutions.
    """
    blocks = -(-CLIP_SAMPLES // _HOP_SAMPLES)
    start = dry.shape[1] - CLIP_SAMPLES - RESPONSE_SAMPLES
    padded = np.zeros((len(dry), blocks * _HOP_SAMPLES + RESPONSE_SAMPLES), np.float32)
    padded[:, : dry.shape[1] - start] = dry[:, start:]
    framed = np.lib.stride_tricks.sliding_window_view(padded, _FFT_SAMPLES, axis=1)
    spectra = fft.rfft(framed[:, ::_HOP_SAMPLES], axis=-1)  # [K, blocks, bins]
    spectra *= fft.rfft(responses, _FFT_SAMPLES, axis=-1)[:, None]
    heard = fft.irfft(spectra.sum(axis=0), _FFT_SAMPLES, axis=-1)
    return heard[:, RESPONSE_SAMPLES:].reshape(-1)[:CLIP_SAMPLES]
