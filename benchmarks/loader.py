"""`python -m benchmarks.loader`: clips per second that one core makes, alone and as a worker."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import describe_machine, figure, write_result
from lightning_modules.datamodule import AmbianceDataModule
from lightning_modules.mixtures import Mixtures
from lightning_modules.mixtures_open import DEFAULT_ROOMS, PROTOCOLS, open_mixtures
from lightning_modules.sources_cache import prepare_speech
from search_spaces.command_line import CommandParser, positive_number, positive_whole_number
from search_spaces.errors import run_command

TARGET = "> 100"
_BATCH_SIZE = 32


def measure_mixtures(mixtures: Mixtures, seconds: float) -> float:
    """Clips per second of this process' CPU time: what one core does, whoever else is busy."""
    mixtures[0]  # makes the noise bank
    clips, begun = 0, time.process_time()
    while (elapsed := time.process_time() - begun) < seconds:
        clips += 1
        mixtures[clips]
    return clips / elapsed


def measure_loader(data: AmbianceDataModule) -> float:
    """Clips per second of wall time out of the training loader with its workers, start included."""
    begun = time.perf_counter()
    clips = sum(
        len(part["waveform"]) for batch in data.train_dataloader() for part in batch.values()
    )
    return clips / (time.perf_counter() - begun)


def main(argv: Sequence[str]) -> int:
    """Measure, print text and JSON, and write the result file."""
    parser = CommandParser(prog="python -m benchmarks.loader", description=__doc__)
    parser.add_argument("--speech", required=True, help="as for `lightning_modules`")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="libricount")
    parser.add_argument("--seconds", type=positive_number, default=10.0, help="of CPU time")
    parser.add_argument("--batches", type=positive_whole_number, default=40)
    parser.add_argument("--rooms", type=positive_whole_number, default=DEFAULT_ROOMS)
    parser.add_argument("--cache", help="folder of prepared speech and rooms")
    parser.add_argument(
        "--out", type=Path, help="result file (docs/results/loader_<protocol>.json)"
    )
    options = parser.parse_args(argv)
    speech = prepare_speech(options.speech, options.cache)
    mixtures = open_mixtures(speech, options.protocol, 0, "train", options.rooms, options.cache)
    alone = measure_mixtures(mixtures, options.seconds)
    with TemporaryDirectory() as folder:
        data = AmbianceDataModule(
            speech=str(speech.folder),
            protocol=options.protocol,
            labelled_batch_size=_BATCH_SIZE,
            unlabelled_batch_size=_BATCH_SIZE,
            steps_per_epoch=options.batches,
            num_workers=1,
            rooms=options.rooms,
            cache=options.cache,
            labels=str(Path(folder, "labels.csv")),
        )
        data.prepare_data()
        data.setup("fit")
        loaded = measure_loader(data)
    figures = [
        figure(f"{options.protocol}: clips of one core", alone, "clips/s", TARGET),
        figure(f"{options.protocol}: clips of a loader with one worker", loaded, "clips/s"),
    ]
    for row in figures:
        print(f"{row['name']}: {row['value']:.0f} {row['unit']}")
    print(json.dumps({"machine": describe_machine(), "figures": figures}, indent=2))
    write_result(
        f"loader_{options.protocol}",
        shlex.join(["python", "-m", "benchmarks.loader", *argv]),
        figures,
        details={"speech": speech.summary(), "batch_size": 2 * _BATCH_SIZE},
        out=options.out,
    )
    return 0


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
