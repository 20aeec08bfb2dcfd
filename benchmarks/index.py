"""`python -m benchmarks.index`: how speech of very many files starts, and how much memory it takes.

Generates short files (each reader's are hard links to one), prepares them once, and opens them
again in a process of its own, as every later training run does.
"""

from __future__ import annotations

import json
import multiprocessing
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.machine import describe_machine, figure, write_result
from lightning_modules.audio import read_audio
from lightning_modules.audio_activity import keep_speech
from lightning_modules.mixtures_open import DEFAULT_ROOMS, open_mixtures
from lightning_modules.sources import find_source
from lightning_modules.sources_cache import prepare_speech
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.command_line import CommandParser, positive_whole_number
from search_spaces.errors import run_command

LIBRI_LIGHT_FILES = 219_041  # of 57,706 h (Kahn et al. 2020, table 1)
LIBRI_LIGHT_HOURS = 60_000
_SECONDS = 1.0  # of each generated file
_LONG_S = 300.0  # of the file whose decoding is timed
_CLIPS = 200


def generate(folder: Path, files: int, readers: int) -> None:
    """Write ``files`` recordings of noise as ``<reader>/<number>.flac``."""
    rng = np.random.default_rng(0)
    for reader in range(readers):
        place = folder / f"reader-{reader:05d}"
        place.mkdir()
        number = len(range(reader, files, readers))
        first = place / "000000.flac"
        write_noise(first, rng, _SECONDS)
        for other in range(1, number):
            (place / f"{other:06d}.flac").hardlink_to(first)


def write_noise(path: Path, rng: np.random.Generator, seconds: float) -> None:
    """Write noise as a flac file of 16 kHz."""
    import soundfile

    samples = 0.1 * rng.standard_normal(int(seconds * SAMPLE_RATE_HZ), dtype=np.float32)
    soundfile.write(path, samples, SAMPLE_RATE_HZ)


def in_new_process(work: Callable[..., dict[str, float]], *arguments: Any) -> dict[str, float]:
    """What ``work`` measures in a fresh process, whose memory nobody else has used."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def measure_listing(speech: str) -> dict[str, float]:
    """Seconds to find all recordings, and the memory that they add."""
    before = peak_mib()
    begun = time.perf_counter()
    source = find_source(speech)
    return {
        "seconds": time.perf_counter() - begun,
        "files": len(source.recordings),
        "mib": peak_mib() - before,
    }


def measure_start(speech: str, cache: str) -> dict[str, float]:
    """Seconds to prepare speech, clips made of it included, and the memory that this adds.

    `clips_mib` leaves out the pages of mapped files, which the kernel may drop at any time.
    """
    before = peak_mib()
    begun = time.perf_counter()
    prepared = prepare_speech(speech, cache)
    seconds = time.perf_counter() - begun
    started = peak_mib()
    mixtures = open_mixtures(prepared, "libricount", 0, "train", DEFAULT_ROOMS, cache)
    for clip in range(_CLIPS):
        mixtures[clip]
    return {
        "seconds": seconds,
        "mib": started - before,
        "clips_mib": own_mib(),
        "voice_mib": sum(voice.nbytes for voice in prepared.voices.values()) / 2**20,
    }


def peak_mib() -> float:
    """The most memory that this process has held at once (not `ru_maxrss`: a parent's counts)."""
    return _memory_mib("VmHWM")


def own_mib() -> float:
    """Memory that is this process's own now: resident, without mapped files."""
    return _memory_mib("RssAnon")


def _memory_mib(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")  # Linux
    return next(int(line.split()[1]) for line in status.splitlines() if name in line) / 1024


def decoding_rate(folder: Path) -> float:
    """Hours of recordings that one core decodes and trims in an hour."""
    path = folder / "long.flac"
    write_noise(path, np.random.default_rng(1), _LONG_S)
    begun = time.process_time()
    keep_speech(read_audio(path))
    return _LONG_S / (time.process_time() - begun)


def main(argv: Sequence[str]) -> int:
    """Measure, print text and JSON, and write the result file."""
    parser = CommandParser(prog="python -m benchmarks.index", description=__doc__)
    parser.add_argument("--files", type=positive_whole_number, default=100_000)
    parser.add_argument("--readers", type=positive_whole_number, default=1000)
    parser.add_argument("--out", type=Path, help="result file (docs/results/index.json)")
    options = parser.parse_args(argv)
    with TemporaryDirectory() as scratch:
        speech, cache = Path(scratch, "speech"), Path(scratch, "cache")
        speech.mkdir()
        print(f"generating {options.files} files", file=sys.stderr)
        generate(speech, options.files, options.readers)
        listing = in_new_process(measure_listing, str(speech))
        first = in_new_process(measure_start, str(speech), str(cache))
        again = in_new_process(measure_start, str(speech), str(cache))
        rate = decoding_rate(Path(scratch))
    files = f"{listing['files']} files"
    share = LIBRI_LIGHT_FILES / listing["files"]
    figures = [
        figure(f"{files}: found in", listing["seconds"], "s"),
        figure(f"{files}: prepared once in", first["seconds"], "s"),
        figure(f"{files}: memory that preparing them takes", first["mib"], "MiB"),
        figure(f"{files}: training starts again after", again["seconds"], "s", "< 10 s"),
        figure(f"{files}: memory that starting takes", again["mib"], "MiB", "< 500 MiB"),
        figure("a process that has made clips of them holds", again["clips_mib"], "MiB"),
        figure("the prepared speech itself, on disk", again["voice_mib"], "MiB"),
        figure("recordings that one core decodes", rate, "times as fast as they play"),
        figure("60,000 hours (Libri-Light): start, in proportion", again["seconds"] * share, "s"),
        figure(
            "60,000 hours: decoded once by one core, in proportion",
            LIBRI_LIGHT_HOURS / rate,
            "hours",
        ),
    ]
    for row in figures:
        print(f"{row['name']}: {row['value']:.3g} {row['unit']}")
    print(json.dumps({"machine": describe_machine(), "figures": figures}, indent=2))
    write_result(
        "index",
        shlex.join(["python", "-m", "benchmarks.index", *argv]),
        figures,
        details={"readers": options.readers, "seconds_of_each_file": _SECONDS},
        out=options.out,
    )
    return 0


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
