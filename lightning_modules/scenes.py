"""`python -m lightning_modules scenes`: events in background noise, as wav files and two CSVs.

`scenes.csv` lists whole scenes, `events.csv` the stretches in which the event is heard; `fit` and
`deploy evaluate` take either.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lightning_modules.audio import write_wav
from lightning_modules.csv_rows import TableWriter
from lightning_modules.recordings import blaming, check_heard, class_names, read_recordings
from lightning_modules.recordings_cache import Sounds, prepare_sounds
from lightning_modules.recordings_split import ValidationBy, add_split_options, split_recordings
from lightning_modules.scenes_mixing import Scene, Scenes, is_silent
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.command_line import (
    CommandParser,
    named_path,
    positive_whole_number,
    whole_number,
)
from search_spaces.errors import UserError
from search_spaces.files import (
    atomic_path,
    check_writable,
    read_json,
    refuse_full_folder,
    sha256_text,
    write_json,
)

SETTINGS, SCENES, EVENTS = "scenes.json", "scenes.csv", "events.csv"
SHORTEST_S, LONGEST_S, LONGEST_NOISE_S = 0.1, 60.0, 8.0
WIDEST_DB = 100.0
COLUMNS = {
    SCENES: (
        *("path", "label", "speaker", "split", "snr_db"),
        *("event_start_s", "event_end_s", "event", "background"),
    ),
    EVENTS: ("path", "label", "speaker", "start_s", "end_s", "split", "snr_db"),
}


def main(argv: Sequence[str]) -> int:
    """Write the scenes that are not there yet; see ``--help``.

    Raises:
        UserError: bad options or recordings, or a folder ``--out`` that holds other things.
    """
    options = _parser().parse_args(argv)
    low_db, high_db = options.snr_db
    if not -WIDEST_DB <= low_db <= high_db <= WIDEST_DB:
        raise UserError(
            f"--snr-db {low_db:g} {high_db:g}: expected two numbers of dB, from {-WIDEST_DB:g} to"
            f" {WIDEST_DB:g}, the lower one first"
        )
    longest_s = LONGEST_S if options.background else LONGEST_NOISE_S
    if not SHORTEST_S <= options.seconds <= longest_s:
        raise UserError(
            f"--seconds {options.seconds:g}: expected {SHORTEST_S:g} to {longest_s:g}"
            f"{'' if options.background else ' (longer ones need --background)'}"
        )
    check_writable(options.out, "--out", folder=True)
    validation_by: ValidationBy = options.validation_by
    with blaming("--events"):
        events = _heard(options.events, options.cache)
        splits = split_recordings(
            events.items, events.digests, options.test_speakers, validation_by
        )
    backgrounds = None
    if options.background:
        with blaming("--background"):
            found = read_recordings(options.background, classes=False)
            backgrounds = prepare_sounds(found, options.cache, strict=False)
    for remark in splits.remarks:
        print(f"data: {remark}", file=sys.stderr)
    samples = round(options.seconds * SAMPLE_RATE_HZ)
    scenes = Scenes(events, splits, backgrounds, samples, (low_db, high_db), options.seed)
    _check_folder(options.out, _settings(options, events, backgrounds))
    there = len(list((options.out / "audio").glob("[!.]*.wav")))  # one that a kill cut is hidden
    if options.count < there:
        raise UserError(
            f"--count {options.count}: {options.out} holds {there} scenes already; ask for at"
            " least as many, or name another folder"
        )
    write_scenes(scenes, options.count, options.out)
    tables = f"{options.out / SCENES} lists them whole, {options.out / EVENTS} the events alone"
    print(f"{options.count} scenes: {tables}; give either as --data.root")
    return 0


def _heard(root: Path, cache: str | None) -> Sounds:
    """The events without those that are nothing but silence: a scene would have a label of it.

    Raises:
        UserError: recordings that cannot be used, or a class without any that can be heard.
    """
    items = read_recordings(root)
    found = prepare_sounds(items, cache, strict=False)
    heard = Sounds([], [], [], found.skipped)
    for item, sound, digest in zip(found.items, found.samples, found.digests, strict=True):
        if is_silent(sound):
            print(f"skipped: {item.name}: holds nothing but silence", file=sys.stderr)
            continue
        heard.items.append(item)
        heard.samples.append(sound)
        heard.digests.append(digest)
    check_heard(class_names(items), heard.items, "root")
    return heard


def write_scenes(scenes: Scenes, number: int, out: Path) -> None:
    """Write the scenes 0..``number``-1 that a killed call has not, then the tables of all."""
    rows: dict[str, list[list[Any]]] = {SCENES: [], EVENTS: []}
    for index in tqdm(range(number), "Writing scenes"):
        scene, path = scenes[index], out / "audio" / f"{index:06d}.wav"
        if not path.exists():
            with atomic_path(path) as temporary:
                write_wav(temporary, scene.samples)
        rows[SCENES].append(list(_whole(scene, path.relative_to(out))))
        rows[EVENTS].append(list(_stretch(scene, path.relative_to(out))))
    for name, lines in rows.items():
        _write(out / name, COLUMNS[name], lines)


def _whole(scene: Scene, path: Path) -> Iterator[Any]:
    yield from (path, scene.label, scene.speaker, scene.split, _decibels(scene.snr_db))
    yield from (f"{scene.start_s:.4f}", f"{scene.end_s:.4f}", scene.event, scene.background)


def _stretch(scene: Scene, path: Path) -> Iterator[Any]:
    yield from (path, scene.label, scene.speaker, f"{scene.start_s:.4f}", f"{scene.end_s:.4f}")
    yield from (scene.split, _decibels(scene.snr_db))


def _decibels(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"


def _write(path: Path, columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream,
    ):
        writer = TableWriter(stream)
        for line in (columns, *lines):
            writer.write(line)


def _settings(options: Any, events: Sounds, backgrounds: Sounds | None) -> dict[str, Any]:
    """What all scenes of a folder depend on, but for their number."""
    heard = [
        [[*item.labels, item.split, item.speaker, digest] for item, digest in pairs]
        for pairs in (
            zip(sounds.items, sounds.digests, strict=True)
            for sounds in (events, backgrounds)
            if sounds is not None
        )
    ]
    return {
        "seed": options.seed,
        "seconds": options.seconds,
        "snr_db": list(options.snr_db),
        "test_speakers": sorted(options.test_speakers),
        "validation_by": options.validation_by,
        "recordings_sha256": sha256_text(json.dumps(heard)),
    }


def _check_folder(out: Path, settings: dict[str, Any]) -> None:
    """Refuse a folder of other scenes, or of other things.

    Raises:
        UserError: naming the setting that differs.
    """
    written = out / SETTINGS
    if not written.exists():
        refuse_full_folder(out, "--out")
        write_json(written, settings)
        return
    found = read_json(written, {"type": "object"})
    for name, value in settings.items():
        if found.get(name) != value:
            raise UserError(
                f"--out: {out} holds scenes of {name} {found.get(name)}, not {value}; ask for the"
                " same, or name another folder"
            )


def _parser() -> CommandParser:
    parser = CommandParser(prog="python -m lightning_modules scenes", description=__doc__)
    add = parser.add_argument
    add(
        "--events",
        type=named_path,
        required=True,
        help="isolated sounds: a folder per class, or a CSV",
    )
    add(
        "--background",
        type=named_path,
        help="folder of recordings of noise; without it noise is made",
    )
    add("--out", type=Path, required=True, help="folder to write, or to go on in")
    add("--count", type=positive_whole_number, default=1000, help="number of scenes")
    add("--seconds", type=float, default=5.0, help="length of a scene")
    snr_help = "range of the ratio of event to noise, in dB"
    add(
        "--snr-db", type=float, nargs=2, default=(0.0, 20.0), metavar=("LOW", "HIGH"), help=snr_help
    )
    add("--seed", type=whole_number, default=0, help="same seed, same scenes")
    add_split_options(parser)
    add("--cache", help="folder of decoded recordings ($ERSAM_CACHE or .cache/ersam)")
    return parser
