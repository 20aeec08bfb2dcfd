"""Synthetic readers: espeak-ng's voices, offline, so that a demonstration needs no recordings.

A reader is a voice variant (formants, breathiness) with a language's sounds, a pitch and a rate.
They differ less than people do: a model trained on them is a demonstration, not one to rely on.
"""

from __future__ import annotations

import ctypes
import threading
from functools import lru_cache, partial

import numpy as np

from lightning_modules.audio import Float32, from_pcm16
from lightning_modules.sources import Recording, Source
from lightning_modules.sources_texts import TEXTS
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError

TEXTS_PER_VOICE = 3

# espeak's variants that could be people: no robots, whispers or demons
_VARIANT_NAMES = (
    "m1 f1 m2 f2 m3 f3 m4 f4 m5 f5 m6 m7 m8 klatt klatt2 klatt3 klatt4 klatt5 klatt6 Alex Alicia"
    " Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike"
    " Nguyen Reed adam anika antonio aunty belinda benjamin boris caleb david ed edward edward2"
    " grandma grandpa gustave ian iven iven2 iven3 iven4 john linda marcelo max michel miguel mike2"
    " norbert pablo paul pedro quincy rob robert sandro shelby steph steph2 steph3 travis victor"
)
_VARIANTS = _VARIANT_NAMES.split()
_LANGUAGES = (
    "en-us",
    "en-gb-x-rp",
    "de",
    "fr",
    "es",
    "it",
    "nl",
    "en-gb-scotland",
    "pt",
    "pl",
    "sv",
)
_PITCHES = (30, 45, 60, 75)  # of espeak's 0..99
_RATES = (150, 165, 180)  # words per minute
MAX_VOICES = len(_VARIANTS) * len(_LANGUAGES)

_RATE, _PITCH = 1, 3  # espeak_PARAMETER
_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT
_CHARACTERS, _UTF8 = 1, 1  # espeak_POSITION_TYPE and espeak_Synth's flag
_ON_AUDIO = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def espeak_source(voices: str) -> Source:
    """The first ``voices`` voices, each reading three of our texts, about 12 s each.

    Raises:
        UserError: not a number of voices that there are.
    """
    if not voices.isdecimal() or not 2 <= int(voices) <= MAX_VOICES:
        raise UserError(
            f"speech: espeak:{voices}: expected a number of voices from 2 to {MAX_VOICES}"
        )
    release = _espeak().release
    recordings = []
    for number in range(int(voices)):
        row, place = divmod(number, len(_VARIANTS))
        language = _LANGUAGES[(row + place) % len(_LANGUAGES)]
        voice = f"{language}+{_VARIANTS[place]}"
        pitch = _PITCHES[(row + place) % len(_PITCHES)]
        rate = _RATES[number % len(_RATES)]
        for spoken in range(TEXTS_PER_VOICE):
            text = (number * TEXTS_PER_VOICE + spoken) % len(TEXTS)
            recordings.append(
                Recording(
                    reader=voice,
                    name=f"{voice}, pitch {pitch}, {rate} words a minute, text {text}",
                    version=release,
                    load=partial(_speak, voice, pitch, rate, text),
                )
            )
    recordings.sort(key=lambda item: (item.reader, item.name))
    return Source("espeak", voices, tuple(recordings))


def _speak(voice: str, pitch: int, rate: int, text: int) -> Float32:
    import soxr

    espeak = _espeak()
    samples = espeak.speak(voice, pitch, rate, TEXTS[text])
    return soxr.resample(samples, espeak.rate_hz, SAMPLE_RATE_HZ)


class _Espeak:
    """libespeak-ng, which knows one voice at a time: calls wait for each other."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        if self.rate_hz <= 0:
            raise RuntimeError(f"espeak-ng does not start with the data in {data.decode()}")
        self._library.espeak_Info.restype = ctypes.c_char_p
        self.release = self._library.espeak_Info(None).decode()
        self._lock = threading.Lock()
        self._chunks: list[np.ndarray] = []
        self._on_audio = _ON_AUDIO(self._take)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._on_audio)

    def speak(self, voice: str, pitch: int, rate: int, text: str) -> Float32:
        """``text`` as float32 [T] at ``rate_hz``."""
        with self._lock:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise UserError(f"espeak: no voice {voice!r} in this release ({self.release})")
            self._library.espeak_SetParameter(_RATE, rate, 0)
            self._library.espeak_SetParameter(_PITCH, pitch, 0)
            self._chunks = []
            data = text.encode("utf-8")
            self._library.espeak_Synth(data, len(data) + 1, 0, _CHARACTERS, 0, _UTF8, None, None)
            return from_pcm16(np.concatenate(self._chunks))

    def _take(self, samples: ctypes._Pointer[ctypes.c_short], number: int, _: int | None) -> int:
        if samples and number > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (number,)).copy())
        return 0


@lru_cache(maxsize=1)
def _espeak() -> _Espeak:
    return _Espeak()
