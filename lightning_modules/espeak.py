"""espeak-ng, a speech synthesiser that needs no recordings and no network."""

from __future__ import annotations

import _ctypes
import ctypes
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache

import numpy as np

from lightning_modules.audio import Float32, from_pcm16
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError

# espeak's variants that could be people: no robots, whispers or demons
_VARIANT_NAMES = (
    "m1 f1 m2 f2 m3 f3 m4 f4 m5 f5 m6 m7 m8 klatt klatt2 klatt3 klatt4 klatt5 klatt6 Alex Alicia"
    " Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike"
    " Nguyen Reed adam anika antonio aunty belinda benjamin boris caleb david ed edward edward2"
    " grandma grandpa gustave ian iven iven2 iven3 iven4 john linda marcelo max michel miguel mike2"
    " norbert pablo paul pedro quincy rob robert sandro shelby steph steph2 steph3 travis victor"
)
VARIANTS = _VARIANT_NAMES.split()

_RATE, _PITCH = 1, 3  # espeak_PARAMETER
_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT
_CHARACTERS, _UTF8 = 1, 1  # espeak_POSITION_TYPE and espeak_Synth's flag
_NOISE_SEED = 0
_ON_AUDIO = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


_one_at_a_time = threading.Lock()


def speak(voice: str, pitch: int, words_per_minute: int, text: str) -> Float32:
    """Speech, float32 [T] at 16 kHz, the same for the same arguments whatever was said before.

    Args:
        voice: a language and a variant (`VARIANTS`), e.g. ``en-us+f2``.
        pitch: of espeak's 0 to 99.
        words_per_minute: how fast.
        text: what to say; of nothing there is a short silence.

    Raises:
        UserError: there is no such voice.
    """
    # In a thread, for signals are the main thread's: one that comes while the library calls back
    # would be raised there, where it is printed and forgotten, and a piece of the word lost.
    with _one_at_a_time, ThreadPoolExecutor(1) as worker:
        return worker.submit(_speak, voice, pitch, words_per_minute, text).result()


def _speak(voice: str, pitch: int, words_per_minute: int, text: str) -> Float32:
    import soxr

    with _loaded() as espeak:
        return soxr.resample(
            espeak.speak(voice, pitch, words_per_minute, text), espeak.rate_hz, SAMPLE_RATE_HZ
        )


@lru_cache(maxsize=1)
def release() -> str:
    """The synthesiser's release."""
    with _one_at_a_time, _loaded() as espeak:
        return espeak.release


@contextmanager
def _loaded() -> Iterator[_Espeak]:
    """libespeak-ng as it is before its first word.

    The phase of its oscillators is kept in static variables that nothing resets: what was said
    before would be heard in what is said next. So it is loaded anew, which takes a millisecond.
    """
    espeak = _Espeak()
    try:
        yield espeak
    finally:
        espeak.unload()


class _Espeak:
    """libespeak-ng, which knows one voice at a time."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        if self.rate_hz <= 0:
            raise RuntimeError(f"espeak-ng does not start with the data in {data.decode()}")
        # Starting seeds the noise in a voice's breath with the time of day, in seconds; that of
        # Klatt's synthesiser (`Reed`, `caleb`) is the C library's, which the whole process shares.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(_NOISE_SEED))
        ctypes.CDLL(None).srand(_NOISE_SEED)
        self._library.espeak_Info.restype = ctypes.c_char_p
        self.release = self._library.espeak_Info(None).decode()
        self._chunks: list[np.ndarray] = []
        self._on_audio = _ON_AUDIO(self._take)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._on_audio)

    def unload(self) -> None:
        self._library.espeak_Terminate()
        _ctypes.dlclose(self._library._handle)

    def speak(self, voice: str, pitch: int, words_per_minute: int, text: str) -> Float32:
        """``text`` as float32 [T] at ``rate_hz``."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise UserError(f"espeak: no voice {voice!r} in this release ({self.release})")
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        data = text.encode("utf-8")
        self._library.espeak_Synth(data, len(data) + 1, 0, _CHARACTERS, 0, _UTF8, None, None)
        return from_pcm16(np.concatenate(self._chunks))

    def _take(self, samples: ctypes._Pointer[ctypes.c_short], number: int, _: int | None) -> int:
        if samples and number > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (number,)).copy())
        return 0
