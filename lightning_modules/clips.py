"""`python -m lightning_modules clips`: a split's clips as wav files, with their truths."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from lightning_modules.audio import write_wav
from lightning_modules.mixtures import Clip, Mixtures
from lightning_modules.mixtures_open import (
    DEFAULT_ROOMS,
    PROTOCOLS,
    check_protocol,
    mixed_by,
    open_mixtures,
)
from lightning_modules.sources_cache import prepare_speech
from lightning_modules.sources_speakers import sexes_of_readers
from lightning_modules.splits import SPLITS, split_readers
from search_spaces.command_line import CommandParser, positive_whole_number, whole_number
from search_spaces.files import check_new_folder, new_folder, whole_lines

TABLE_NAME = "clips.csv"
COLUMNS = ("file", "count", "snr_db", "rt60_s", "level_dbfs", "protocol", "sexes")


def main(argv: Sequence[str]) -> int:
    """Run the command; see ``--help``.

    Raises:
        UserError: bad options or speech, or a folder ``--out`` that holds something or
            cannot be written.
    """
    options = _parser().parse_args(argv)
    out = Path(options.out)
    check_new_folder(out, "--out")
    check_protocol(options.protocol, options.rooms)
    speech = prepare_speech(options.speech, options.cache, options.strict)
    mixtures = open_mixtures(
        speech, options.protocol, options.seed, options.split, options.rooms, options.cache
    )
    readers = split_readers(speech.voices)[options.split]
    sexes = sexes_of_readers(speech)
    of_voice = {at: sexes[reader] for at, reader in enumerate(readers) if reader in sexes}
    mixed = mixed_by(speech, options.protocol, options.seed, options.rooms, voice_speed=0.0)
    settings = {**mixed, "split": options.split, "count": options.count, "sexes": sexes}
    with new_folder(out, settings) as folder:
        write_clips(mixtures, options.count, folder, of_voice)
    print(f"{options.count} clips in {out}", file=sys.stderr)
    return 0


def write_clips(mixtures: Mixtures, number: int, folder: Path, sexes: Mapping[int, str]) -> None:
    """Write those of clips 0..``number``-1, and of `clips.csv`, that a killed call has not.

    They are named ``<count>_<index>.wav``: 16-bit mono, 16 kHz, 5 s. ``sexes`` holds F or M by
    voice of the mixtures, as far as they are known.
    """
    done = len(whole_lines(folder / TABLE_NAME))
    with (folder / TABLE_NAME).open("a", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        if not done:
            table.writerow(COLUMNS)
        written = max(0, done - 1)
        for index in tqdm(range(written, number), "Writing clips", total=number, initial=written):
            clip = mixtures[index]
            name = f"{clip.count:.0f}_{index:06d}.wav"
            write_wav(folder / name, clip.samples)
            table.writerow(
                [name, f"{clip.count:.0f}", *_truths(clip), clip.protocol, _heard(clip, sexes)]
            )
            file.flush()  # a line says that its clip is there


def _truths(clip: Clip) -> list[str]:
    """SNR, RT60 and level; empty where there is none."""
    values = ((clip.snr_db, 2), (clip.rt60_s, 3), (clip.level_dbfs, 2))
    return ["" if math.isnan(value) else f"{value:.{digits}f}" for value, digits in values]


def _heard(clip: Clip, sexes: Mapping[int, str]) -> str:
    """The sexes of all who are heard, e.g. ``FFM``; empty unless that of each is known."""
    known = [sexes[voice] for voice in clip.voices if voice in sexes]
    return "".join(sorted(known)) if len(known) == len(clip.voices) else ""


def _parser() -> CommandParser:
    parser = CommandParser(prog="python -m lightning_modules clips", description=__doc__)
    add = parser.add_argument
    add("--speech", required=True, help="folder of recordings, espeak, or a prepared folder")
    add("--protocol", choices=PROTOCOLS, default="libricount", help="how the clips are mixed")
    add("--split", choices=SPLITS, default="test", help="whose readers speak")
    add("--count", type=positive_whole_number, default=500, help="number of clips")
    add("--seed", type=whole_number, default=0, help="same seed, same clips")
    add("--out", required=True, help="folder to write; it must be new or empty")
    add("--rooms", type=positive_whole_number, default=DEFAULT_ROOMS, help="size of the room bank")
    add("--cache", help="folder of prepared speech and rooms ($ERSAM_CACHE or .cache/ersam)")
    add("--strict", action="store_true", help="refuse speech with recordings that cannot be used")
    return parser
