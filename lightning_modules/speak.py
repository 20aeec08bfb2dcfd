"""`python -m lightning_modules speak`: words in a synthesiser's voices, as a folder per class.

Given to `fit` as `--data.extra`, they train beside recordings of a few people, so that more than
those voices stand for a word (Lin et al. 2020, "Training keyword spotters with limited and
synthesized speech data"). T samples.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lightning_modules.audio import Float32, to_pcm16, write_wav
from lightning_modules.espeak import VARIANTS, release, speak
from lightning_modules.recordings import LABEL_SEPARATOR, UNLABELLED, check_spelling
from lightning_modules.recordings_item import Item
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.command_line import (
    CommandParser,
    named_path,
    whole_number,
    whole_number_within,
)
from search_spaces.errors import UserError
from search_spaces.files import check_new_folder, new_folder

# English as espeak-ng speaks it: American, British, Caribbean
LANGUAGES = (
    *("en-us", "en-gb-x-rp", "en-gb-scotland", "en-029"),
    *("en-us-nyc", "en-gb-x-gbclan", "en-gb-x-gbcwmd"),
)
_PITCHES = (15, 85)  # of espeak's 0..99, as people differ
_RATES = (110, 200)  # words per minute
_SILENCE = 0.02  # of the peak; espeak ends every sentence with a pause
_MARGIN_S = 0.03


def main(argv: Sequence[str]) -> int:
    """Run the command; see ``--help``.

    Raises:
        UserError: bad options, a language that espeak does not speak, or a folder ``--out`` that
            holds something.
    """
    options = _parser().parse_args(argv)
    words = read_words(options.words)
    check_new_folder(options.out, "--out")
    check_languages(options.languages)
    settings = {
        "espeak": release(),
        "words": [[*word] for word in words.items()],
        "languages": list(options.languages),
        "variants": VARIANTS,
        "takes": options.takes,
        "seed": options.seed,
    }
    with new_folder(options.out, settings) as folder:
        write_words(words, options.languages, options.takes, options.seed, folder)
    number = len(words) * len(VARIANTS) * options.takes
    print(f"{number} recordings in {options.out}; give it as --data.extra", file=sys.stderr)
    return 0


def read_words(given: Sequence[str]) -> dict[str, str]:
    """``LABEL=TEXT``, or a text that is its own label: the text of each label.

    Raises:
        UserError: an empty label or text, one that names no folder, or two of one label.
    """
    words: dict[str, str] = {}
    for entry in given:
        label, separator, text = entry.partition("=")
        label, text = label.strip(), (text if separator else label).strip()
        if not label or not text:
            raise UserError(f"--words {entry!r}: expected TEXT, or LABEL=TEXT")
        if any("\ud800" <= character <= "\udfff" for character in entry):
            raise UserError(f"--words {entry!r}: not in UTF-8; write it in UTF-8")
        if label == UNLABELLED or label[0] == "." or {*label} & {*"/\\", LABEL_SEPARATOR}:
            raise UserError(f"--words {entry!r}: label {label!r} cannot be a class's folder")
        if label in words:
            raise UserError(f"--words {entry!r}: label {label!r} is given twice")
        words[label] = text
    check_spelling([Item(Path(label), label, (label,)) for label in words], "--words")
    return words


def check_languages(languages: Sequence[str]) -> None:
    """Refuse a language before any word is spoken.

    Raises:
        UserError: espeak does not speak it.
    """
    for language in languages:
        try:
            speak(f"{language}+{VARIANTS[0]}", _PITCHES[0], _RATES[0], "")
        except UserError:
            raise UserError(
                f"--languages: espeak-ng {release()} does not speak {language!r}; name one that it"
                f" does, e.g. {', '.join(LANGUAGES[:3])}"
            ) from None


def write_words(
    words: Mapping[str, str], languages: Sequence[str], takes: int, seed: int, folder: Path
) -> None:
    """Write the ``<label>/<voice>/<take>.wav`` that a killed call has not.

    16-bit mono, 16 kHz, without silence around the word.

    A voice is a variant of espeak's; its takes differ in language, pitch and rate.

    Raises:
        UserError: a text says nothing.
    """
    for label, text in tqdm(words.items(), "Speaking"):
        for variant, take, voice, pitch, rate in _takes(languages, takes, seed):
            path = folder / label / variant / f"{take}.wav"
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            growing = path.with_name(f".{take}.part")  # what a kill cuts is no recording
            write_wav(growing, to_pcm16(trim(speak(voice, pitch, rate, text), text)))
            growing.replace(path)


def _takes(
    languages: Sequence[str], takes: int, seed: int
) -> Iterator[tuple[str, int, str, int, int]]:
    """Variant, number of the take, voice, pitch and rate; the same for every word."""
    rng = np.random.default_rng(seed)
    for place, variant in enumerate(VARIANTS):
        for take in range(takes):
            language = languages[(place + take) % len(languages)]
            pitch, rate = (int(rng.integers(*ends)) for ends in (_PITCHES, _RATES))
            yield variant, take, f"{language}+{variant}", pitch, rate


def trim(speech: Float32, text: str) -> Float32:
    """Speech [T] without the silence around it, within full scale.

    Raises:
        UserError: there is nothing but silence.
    """
    level = np.abs(speech)
    loud = np.flatnonzero(level > _SILENCE * level.max(initial=0.0))
    if not len(loud):
        raise UserError(f"--words: espeak says nothing for {text!r}; write it as it is spoken")
    margin = round(_MARGIN_S * SAMPLE_RATE_HZ)
    return speech[max(0, loud[0] - margin) : loud[-1] + 1 + margin] / max(1.0, level.max())


def _parser() -> CommandParser:
    parser = CommandParser(prog="python -m lightning_modules speak", description=__doc__)
    add = parser.add_argument
    add("--words", nargs="+", required=True, metavar="[LABEL=]TEXT", help="e.g. yes no 1=one")
    add("--out", type=named_path, required=True, help="folder to write; it must be new or empty")
    add("--languages", nargs="+", default=LANGUAGES, help="espeak-ng's names (default: English)")
    add(
        "--takes",
        type=whole_number_within(1, 1000),
        default=4,
        help="of each of the voices (default: 4)",
    )
    add("--seed", type=whole_number, default=0, help="same seed, same pitches and rates")
    return parser
