"""Synthetic readers: espeak-ng's voices, offline, so that a demonstration needs no recordings.

A reader is a voice variant (formants, breathiness) with a language's sounds, a pitch and a rate.
They differ less than people do: a model trained on them alone is a demonstration, or a beginning
(docs/training.md, "Few labels").
"""

from __future__ import annotations

from functools import partial

from lightning_modules.espeak import VARIANTS, release, speak
from lightning_modules.sources import Recording, Source
from lightning_modules.sources_texts import TEXTS
from search_spaces.errors import UserError

TEXTS_PER_VOICE = 3

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
MAX_VOICES = len(VARIANTS) * len(_LANGUAGES)


def espeak_source(voices: str) -> Source:
    """The first ``voices`` voices, each reading three of our texts, about 12 s each.

    Raises:
        UserError: not a number of voices that there are.
    """
    if not voices.isdecimal() or not 2 <= int(voices) <= MAX_VOICES:
        raise UserError(
            f"speech: espeak:{voices}: expected a number of voices from 2 to {MAX_VOICES}"
        )
    recordings = []
    for number in range(int(voices)):
        row, place = divmod(number, len(VARIANTS))
        language = _LANGUAGES[(row + place) % len(_LANGUAGES)]
        voice = f"{language}+{VARIANTS[place]}"
        pitch = _PITCHES[(row + place) % len(_PITCHES)]
        rate = _RATES[number % len(_RATES)]
        for spoken in range(TEXTS_PER_VOICE):
            text = (number * TEXTS_PER_VOICE + spoken) % len(TEXTS)
            recordings.append(
                Recording(
                    reader=voice,
                    name=f"{voice}, pitch {pitch}, {rate} words a minute, text {text}",
                    version=release(),
                    load=partial(speak, voice, pitch, rate, TEXTS[text]),
                )
            )
    recordings.sort(key=lambda item: (item.reader, item.name))
    return Source("espeak", voices, tuple(recordings))
