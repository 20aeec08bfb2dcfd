"""`python -m lightning_modules stats`: what a folder of recordings holds, before any training.

Letters: N recordings.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from lightning_modules.audio import PCM16_SCALE, Int16
from lightning_modules.recordings import (
    check_classes,
    check_heard,
    class_names,
    read_recordings,
)
from lightning_modules.recordings_cache import Sounds, prepare_sounds
from lightning_modules.recordings_item import Item
from lightning_modules.recordings_split import (
    Splits,
    ValidationBy,
    add_split_options,
    split_recordings,
)
from lightning_modules.splits import SPLITS
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.command_line import CommandParser, named_path
from search_spaces.errors import UserError

SILENT_DBFS = -60.0  # of a recording's loudest 10 ms
QUIET_DB = -40.0  # below the loudest 10 ms: counted as silence within a recording
FRAME_SAMPLES = SAMPLE_RATE_HZ // 100


def main(arguments: Sequence[str]) -> int:
    """Print the figures, one line each.

    Raises:
        UserError: nothing to read.
    """
    options = parse(arguments)
    items = read_recordings(options.root)
    names = class_names(items)  # with those of which nothing can be decoded
    sounds = prepare_sounds(items, options.cache, strict=False)
    rows = [*figures(sounds), *class_rows(sounds, names), *leaks(sounds, names, options)]
    print("\n".join(rows))
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = CommandParser(prog="python -m lightning_modules stats", description=__doc__)
    parser.add_argument("--root", type=named_path, required=True, help="folder per class, or a CSV")
    parser.add_argument("--cache", help="folder of decoded recordings")
    add_split_options(parser)
    return parser.parse_args(arguments)


def figures(sounds: Sounds) -> list[str]:
    """Hours, lengths, speakers, silence."""
    seconds = np.array([len(sound) for sound in sounds.samples]) / SAMPLE_RATE_HZ
    ends = np.quantile(seconds, (0.0, 0.1, 0.5, 0.9, 1.0))
    speakers = Counter(item.speaker for item in sounds.items if item.speaker)
    unlabelled = sum(not item.labels for item in sounds.items)
    silence = [silent_share(sound) for sound in sounds.samples]
    silent = [item.name for item, share in zip(sounds.items, silence, strict=True) if share == 1.0]
    lines = [
        f"recordings   {len(seconds)} ({unlabelled} unlabelled, {len(sounds.skipped)} skipped)",
        f"hours        {seconds.sum() / 3600:.2f}",
        "lengths      "
        + ", ".join(
            f"{name} {value:.2f} s"
            for name, value in zip(("least", "10 %", "half", "90 %", "most"), ends, strict=True)
        ),
        f"speakers     {len(speakers) or 'not known'}"
        + (
            f", {min(speakers.values())} to {max(speakers.values())} recordings each"
            if speakers
            else ""
        ),
        f"silence      {100 * np.average(silence, weights=seconds):.0f} % of the time is 40 dB or"
        " more below the recording's loudest moment",
    ]
    if silent:
        lines.append(f"silent       {len(silent)} recordings hold nothing: {', '.join(silent[:3])}")
    return lines


def silent_share(sound: Int16) -> float:
    """Share of a recording's 10 ms frames that are silent; 1 if all of it is."""
    frames = sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    power = np.square(frames.astype(np.float64) / PCM16_SCALE).mean(axis=1)
    loudest = power.max()
    if loudest < 10 ** (SILENT_DBFS / 10):
        return 1.0
    return float((power < loudest * 10 ** (QUIET_DB / 10)).mean())


def class_rows(sounds: Sounds, names: Sequence[str]) -> list[str]:
    """Recordings that can be used, their minutes and speakers, of each class of ``names``."""
    width = max([len(name) for name in names], default=5) + 2
    rows = [f"{'class':<{width}}{'recordings':>11}{'minutes':>9}{'speakers':>10}"]
    for name in names:
        of_class = [at for at, item in enumerate(sounds.items) if name in item.labels]
        minutes = sum(len(sounds.samples[at]) for at in of_class) / SAMPLE_RATE_HZ / 60
        speakers = len({sounds.items[at].speaker for at in of_class} - {None})
        rows.append(f"{name:<{width}}{len(of_class):>11}{minutes:>9.1f}{speakers or '-':>10}")
    return rows


def leaks(sounds: Sounds, names: Sequence[str], options: argparse.Namespace) -> list[str]:
    """Duplicates, and how `fit` would split recordings of ``names``, or why it would refuse."""
    copies: defaultdict[str, list[Item]] = defaultdict(list)
    for item, digest in zip(sounds.items, sounds.digests, strict=True):
        copies[digest].append(item)
    double = [same for same in copies.values() if len(same) > 1]
    lines = [f"duplicates   {sum(len(same) - 1 for same in double)}"]
    lines += [f"  {' = '.join(item.name for item in same[:4])}" for same in double[:5]]
    try:
        check_heard(names, sounds.items, "root")
        check_classes(sounds.items, "root")
        validation_by: ValidationBy = options.validation_by
        splits = split_recordings(
            sounds.items, sounds.digests, options.test_speakers, validation_by
        )
    except UserError as error:
        return [*lines, f"leakage      `fit` refuses this: {error}"]
    sizes = ", ".join(f"{name} {len(splits.places[name])}" for name in SPLITS)
    lines += [f"split        {sizes}", *(f"  {remark}" for remark in splits.remarks)]
    return [*lines, f"leakage      {leakage(splits)}"]


def leakage(splits: Splits) -> str:
    """Whether the test's speakers are in other splits as well; no sound ever is."""
    if splits.by_speaker:
        return "none: no sound and no speaker of the test is in another split"
    return "no sound is in two splits, but speakers may be (see above)"
