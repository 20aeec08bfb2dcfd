"""`python -m benchmarks.streaming`: a day's recording to a CSV of counts, on one core.

The recording is generated, and `deploy predict` runs as a process of its own that may use one core
only. Its wall time counts everything: start of the runtime, reading, the net, the CSV.
"""

from __future__ import annotations

import multiprocessing
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks.machine import figure, write_result
from deploy.bundle import DEFAULT_BUNDLE, PRECISIONS, read_bundle
from deploy.shared_frames import FRAMES_FILES
from search_spaces.clip import CLIP_SECONDS, SAMPLE_RATE_HZ
from search_spaces.command_line import CommandParser, positive_number, positive_whole_number
from search_spaces.errors import UserError, run_command

HOURS = 12.0  # a day
TARGET_FACTOR = 5_000
OTHER_HOURS = 0.5  # of the recordings in other formats
OVERLAP_HOP_S = 1.0
SHORT_HOURS = 10 / 3600  # so little that starting is nearly all
_PIECE_S = 60


class Recording(NamedTuple):
    """What is generated: a file's suffix, rate and channels, and how long it is."""

    suffix: str
    rate_hz: int
    channels: int
    hours: float

    def title(self) -> str:
        """In words, e.g. ``12 h of wav, 16 kHz, mono``."""
        channels = "mono" if self.channels == 1 else f"{self.channels} channels"
        return f"{self.hours:g} h of {self.suffix}, {self.rate_hz / 1000:g} kHz, {channels}"


OTHERS = (("flac", SAMPLE_RATE_HZ, 1), ("wav", 48_000, 2), ("mp3", 44_100, 2))


def generate(folder: Path, recording: Recording) -> Path:
    """Write a recording: noise of random colour and loudness, another each minute of ten."""
    import soundfile

    rng = np.random.default_rng(0)
    pieces = [_babble(rng, recording) for _ in range(10)]
    path = folder / f"recording.{recording.suffix}"
    left = round(recording.hours * 3600 * recording.rate_hz)
    with soundfile.SoundFile(path, "w", recording.rate_hz, recording.channels) as file:
        number = 0
        while left:
            piece = pieces[number % len(pieces)][:left]
            file.write(piece)
            left, number = left - len(piece), number + 1
    return path


def _babble(rng: np.random.Generator, recording: Recording) -> np.ndarray:
    """A minute of filtered noise, int16 [samples, channels], syllables and all."""
    samples = _PIECE_S * recording.rate_hz
    noise = rng.standard_normal(samples, dtype=np.float32)
    smooth = np.convolve(noise, np.full(8, 0.125, np.float32), "same")
    time_s = np.arange(samples, dtype=np.float32) / recording.rate_hz
    syllables = 0.2 + np.abs(np.sin(2 * np.pi * rng.uniform(1, 3) * time_s))
    sound = 3_000 * rng.uniform(0.1, 1) * smooth * syllables
    return np.repeat(sound.astype(np.int16)[:, None], recording.channels, axis=1)


def predict(path: Path, bundle: Path, precision: str | None, hop_s: float) -> dict[str, float]:
    """Seconds of the whole command on one core, the peak of its memory, and its rows."""
    rows = path.with_suffix(".csv")
    arguments = ["predict", str(path), "--output", str(rows), "--bundle", str(bundle)]
    arguments += ["--hop-s", str(hop_s)]
    arguments += [] if precision is None else ["--precision", precision]
    begun = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        peak_mib = pool.apply(_predict_here, (arguments,))
        seconds = time.perf_counter() - begun
    with rows.open("rb") as stream:
        return {"seconds": seconds, "peak_mib": peak_mib, "rows": sum(1 for _ in stream) - 1}


def _predict_here(arguments: list[str]) -> float:
    """Body of the fresh process; returns the peak of its resident memory, in MiB."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from deploy.__main__ import main as deploy

    if deploy(arguments) != 0:
        raise UserError(f"deploy {shlex.join(arguments)}: failed; its message is above")
    status = Path("/proc/self/status").read_text(encoding="ascii")  # Linux
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def main(argv: Sequence[str]) -> int:
    """Generate, measure, print, and write the result file."""
    parser = CommandParser(prog="python -m benchmarks.streaming", description=__doc__)
    add = parser.add_argument
    add("--hours", type=positive_number, default=HOURS, help="of the recording (%(default)g)")
    add("--hop-s", type=positive_number, default=CLIP_SECONDS, help="see `deploy predict`")
    add("--bundle", type=Path, default=DEFAULT_BUNDLE, help="default: %(default)s")
    add("--precision", choices=PRECISIONS, help="default: int8 where the bundle has it")
    add("--runs", type=positive_whole_number, default=3, help="whose median counts (%(default)s)")
    add("--folder", type=Path, help="for the recording, 115 MB an hour (a temporary folder)")
    add("--out", type=Path, help="result file (docs/results/streaming.json)")
    options = parser.parse_args(argv)
    day = Recording("wav", SAMPLE_RATE_HZ, 1, options.hours)
    other_hours = min(OTHER_HOURS, options.hours)
    plan = [
        (day, options.hop_s),
        (day._replace(hours=SHORT_HOURS), options.hop_s),
        (day._replace(hours=other_hours), OVERLAP_HOP_S),
        *((Recording(*other, other_hours), options.hop_s) for other in OTHERS),
    ]
    results = [_measure(recording, hop_s, options) for recording, hop_s in plan]
    bundle = read_bundle(options.bundle)
    shares = FRAMES_FILES[bundle.choose_precision(options.precision)] in bundle.manifest["files"]
    figures = _figures(results, shares)
    for row in figures:
        print(f"{row['name']}: {row['value']:.4g} {row['unit']}")
    path = write_result(
        "streaming",
        shlex.join(["python", "-m", "benchmarks.streaming", *argv]),
        figures,
        details={"bundle": str(options.bundle), "recordings": results},
        out=options.out,
    )
    print(path)
    return 0


def _measure(recording: Recording, hop_s: float, options: Any) -> dict[str, Any]:
    print(f"{recording.title()}, a window every {hop_s:g} s", file=sys.stderr)
    with TemporaryDirectory(dir=options.folder) as folder:
        path = generate(Path(folder), recording)
        runs = [
            predict(path, options.bundle, options.precision, hop_s) for _ in range(options.runs)
        ]
    return {
        **recording._asdict(),
        "title": recording.title(),
        "hop_s": hop_s,
        "seconds": median(run["seconds"] for run in runs),
        "peak_mib": max(run["peak_mib"] for run in runs),
        "rows": runs[0]["rows"],
        "runs": runs,
    }


def _figures(results: list[dict[str, Any]], shares_frames: bool) -> list[dict[str, Any]]:
    day, short, overlapping, *others = results

    def factor(result: dict[str, Any], start_s: float = 0.0) -> float:
        return 3600 * result["hours"] / max(result["seconds"] - start_s, 1e-3)

    title, unit = day["title"], "times real time"
    start_s = short["seconds"]
    rows = [
        figure(f"{title}, to CSV on one core", day["seconds"], "s"),
        figure(f"{title}, to CSV on one core", factor(day), unit, f">= {TARGET_FACTOR}"),
        figure("of which starting, as with a recording of 10 s", start_s, "s"),
        figure(f"{title}, start left out", factor(day, start_s), unit),
        figure(f"{title}: peak of resident memory", day["peak_mib"], "MiB"),
        figure("10 s: peak of resident memory", short["peak_mib"], "MiB"),
        figure(
            f"{overlapping['title']}, a window every {OVERLAP_HOP_S:g} s"
            f"{', frames shared' if shares_frames else ''}, start left out",
            factor(overlapping, start_s),
            unit,
        ),
    ]
    return rows + [
        figure(f"{other['title']}, start left out", factor(other, start_s), unit)
        for other in others
    ]


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
