"""`python -m deploy answers`: what bundles say of training clips, for another net to learn.

T samples of a clip, K counts.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.bundle import PRECISIONS, Bundle, read_bundle
from deploy.engine import Engine
from lightning_modules.answers import Answers, write_answers
from lightning_modules.audio import from_pcm16
from lightning_modules.datamodule_fill import fill
from lightning_modules.datamodule_held import HeldOnDisk, held_folder
from lightning_modules.mixtures import Clip
from lightning_modules.mixtures_open import (
    DEFAULT_ROOMS,
    PROTOCOLS,
    check_protocol,
    mixed_by,
    open_mixtures,
    parts_of,
    prepare_protocol,
)
from lightning_modules.ranges import check_speed
from lightning_modules.sources_cache import cache_root, prepare_speech
from search_spaces.clip import MAX_COUNT
from search_spaces.command_line import named_path, positive_whole_number, whole_number
from search_spaces.files import check_writable, refuse_input, sha256_file
from search_spaces.task_counts import CountsTask

HELP = "what bundles say of training clips, averaged, for another net to learn (data.answers)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add = parser.add_argument
    add("--bundle", type=named_path, nargs="+", required=True, help="folders of those who teach")
    add("--precision", choices=PRECISIONS, help="default: int8 where a bundle has it")
    add("--speech", required=True, help="data.speech of the training that will learn from them")
    add("--protocol", choices=PROTOCOLS, default="libricount", help="its data.protocol")
    add(
        "--ask-of",
        choices=PROTOCOLS,
        nargs="+",
        metavar="PROTOCOL",
        help="ask of clips of these protocols alone, where --protocol is made of several; of others"
        " the answer is the label (default: ask of all)",
    )
    add("--seed", type=whole_number, default=0, help="its seed_everything")
    add("--rooms", type=positive_whole_number, default=DEFAULT_ROOMS, help="its data.rooms")
    add("--voice-speed", type=float, default=0.0, help="its data.voice_speed")
    add("--clips", type=positive_whole_number, required=True, help="its labelled training clips")
    add("--cache", help="folder of prepared speech and rooms ($ERSAM_CACHE or .cache/ersam)")
    add("--out", type=named_path, default=Path("answers.npz"), help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Mix the clips on every core, ask the bundles, and write the file; killed, it goes on.

    Raises:
        UserError: bad options, speech or bundles, or no room in the cache.
    """
    teachers = _teachers(args.bundle, args.precision)
    files = [file for bundle, _ in teachers for file in bundle.files]
    refuse_input(args.out, files, "bundles' files", "--out")
    check_writable(args.out, "--out")
    check_speed("--voice-speed", args.voice_speed)
    check_protocol(args.protocol, args.rooms)
    speech = prepare_speech(args.speech, args.cache)
    prepare_protocol(args.protocol, args.rooms, args.cache)
    mixtures = open_mixtures(
        speech,
        args.protocol,
        args.seed,
        "train",
        args.rooms,
        args.cache,
        range(args.clips),
        args.voice_speed,
    )
    mixed = mixed_by(speech, args.protocol, args.seed, args.rooms, args.voice_speed)
    ask_of = {part for name in args.ask_of for part in parts_of(name)} if args.ask_of else None
    form = Said(teachers, ask_of)
    held = HeldOnDisk(held_folder(cache_root(args.cache), mixed, form), mixtures, args.clips, form)
    fill(held)
    said = np.stack([held.clip(index) for index in range(args.clips)])
    write_answers(Answers(said, mixed, CountsTask().to_json(), form.names, args.out))
    print(f"{args.clips} answers of {len(teachers)} bundles in {args.out}", file=sys.stderr)
    return 0


def _teachers(paths: Sequence[Path], precision: str | None) -> list[tuple[Bundle, str]]:
    teachers = [(bundle, bundle.choose_precision(precision)) for bundle in map(read_bundle, paths)]
    for bundle, _ in teachers:
        _ = bundle.levels  # refuses one that counts nobody
    return teachers


class Said:
    """The mean of several bundles' probabilities, float32 [K], as a form of keeping a clip.

    Args:
        teachers: bundles, each with a precision.
        ask_of: of clips that these protocols mixed, or None for all; of another clip the answer is
            its label, one-hot.
    """

    field = "answers"
    file = "answers.f32"
    dtype: type[np.generic] = np.float32
    shape: tuple[int, ...] = (MAX_COUNT + 1,)
    tolerance = 0.05  # int8 rounds another way on another processor

    def __init__(
        self, teachers: Sequence[tuple[Bundle, str]], ask_of: Collection[str] | None
    ) -> None:
        self._teachers = teachers
        self._ask_of = ask_of
        self._engines: dict[int, list[Engine]] = {}  # by process: none is inherited by a fork
        self.names = [
            {
                "name": bundle.name,
                "precision": precision,
                "sha256": sha256_file(bundle.model_path(precision)),
            }
            for bundle, precision in teachers
        ]

    def of(self, clip: Clip) -> NDArray[np.float32]:
        """What they say of a clip, or its label."""
        if self._ask_of is not None and clip.protocol not in self._ask_of:
            return np.eye(self.shape[0], dtype=np.float32)[int(clip.count)]
        if os.getpid() not in self._engines:
            self._engines[os.getpid()] = [
                bundle.load(precision) for bundle, precision in self._teachers
            ]
        waveform = from_pcm16(clip.samples)
        said = [engine.run(waveform) for engine in self._engines[os.getpid()]]
        return np.mean(said, axis=0, dtype=np.float32)

    def described(self) -> dict[str, Any]:
        """By which they are told from others'."""
        described: dict[str, Any] = {"answers": [name["sha256"] for name in self.names]}
        if self._ask_of is not None:
            described["ask_of"] = sorted(self._ask_of)
        return described
