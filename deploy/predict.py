"""`python -m deploy predict`: what a bundle hears in audio files, window by window.

Letters: T samples of a window, K outputs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from deploy.audio_files import audio_files
from deploy.bundle import DEFAULT_BUNDLE, PRECISIONS, Bundle, read_bundle
from deploy.predict_classes import ClassListener, Model
from deploy.predict_embedding import ARRAYS, EmbeddingListener, check_array, write_array
from deploy.prediction_output import Output, check_output, open_output
from deploy.prediction_rows import FORMATS, AnyRow, Row
from deploy.progress import stderr_progress
from deploy.read_ahead import read_ahead
from deploy.shared_frames import SharedFrames, load_shared
from deploy.windows import Window, blocks_of, cut, duration_s
from search_spaces.ambiance import AmbianceLevels
from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.command_line import named_path
from search_spaces.errors import EXIT_BAD_INPUT, UserError, complain, disk_full
from search_spaces.task import Task
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask
from search_spaces.task_embedding import EmbeddingTask

HELP = "count people, name classes or make embeddings of audio files, one row per window"
MIN_HOP_S, MAX_HOP_S = 0.1, 3600.0
OTHER_FORMATS = (".gz", ".npz", ".ods", ".tsv", ".xls", ".xlsx", ".xml", ".zip")
AT_ONCE = 64  # windows decided, and rows written, together

T = TypeVar("T")


@dataclass(frozen=True)
class Listener:
    """A model with the levels by which its probabilities are judged."""

    model: Model
    levels: AmbianceLevels
    row_type: ClassVar[type[AnyRow]] = Row
    clip_samples: ClassVar[int] = CLIP_SAMPLES

    @property
    def task(self) -> Task:
        """Counting people."""
        return CountsTask(self.levels)

    def rows(self, path: Path, heard: Iterable[Window]) -> Iterator[Row]:
        """One row per window; the net runs window by window, all else for some at once."""
        for some in batches(heard, AT_ONCE):
            decision = self.levels.decide(run_windows(self.model, some))
            decided = zip(*(field.tolist() for field in decision), strict=True)
            for window, (count, level, probability) in zip(some, decided, strict=True):
                yield Row(
                    file=str(path),
                    start_s=window.start_s,
                    end_s=window.end_s,
                    count=count,
                    level=level,
                    level_name=self.levels.names[level],
                    probability=probability,
                )


AnyListener = Listener | ClassListener | EmbeddingListener


def run_windows(model: Model, windows: Sequence[Window]) -> NDArray[np.float32]:
    """Probabilities float32 [N, K] of consecutive windows."""
    if isinstance(model, SharedFrames):
        return model.run_windows(windows)
    return np.stack([model.run(window.waveform) for window in windows])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("audio", nargs="+", type=named_path, help="audio files or folders of them")
    parser.add_argument(
        "--bundle",
        type=named_path,
        default=DEFAULT_BUNDLE,
        help="bundle folder (default: %(default)s)",
    )
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="default: int8 where the bundle has it"
    )
    parser.add_argument(
        "--format",
        choices=(*FORMATS, *ARRAYS),
        help="npy and parquet are of embeddings; default: by the name of --output, else csv",
    )
    parser.add_argument(
        "--hop-s",
        type=float,
        help="seconds between the starts of two windows (default: the length of one)",
    )
    parser.add_argument(
        "--per",
        choices=("window", "file"),
        default="window",
        help="one row per window, or of classes and embeddings one per file (default: %(default)s)",
    )
    parser.add_argument("--output", type=named_path, help="file for the rows (default: stdout)")


def run(args: argparse.Namespace) -> int:
    """Predict; 2 when a file could not be read (said after the others are done), else 0."""
    bundle = read_bundle(args.bundle)
    hop_samples = _hop_samples(args.hop_s, bundle.clip_samples)
    listener = _listener(bundle, args.precision, args.per, hop_samples)
    form = args.format or _by_name(args.output)
    rows = check_array(form, args.output, listener.task) if form in ARRAYS else args.output
    found = audio_files(args.audio)
    check_output(args.output, found.paths)
    settings = {
        "bundle": bundle.manifest,
        "precision": args.precision,
        "hop_samples": hop_samples,
        "per": args.per,
    }
    try:
        stream_form = "csv" if form in ARRAYS else form
        with open_output(rows, stream_form, found.paths, settings, listener.row_type) as output:
            predict_files(listener, hop_samples, output)
        if form in ARRAYS:
            write_array(rows, args.output, form, len(listener.task.outputs))
    except BrokenPipeError:  # not a fault of the output: `run_command` ends quietly
        raise
    except OSError as error:
        mend = "choose another --output"
        if disk_full(error):
            mend = f"make room and run the same command again, or {mend}"
        where = args.output or "standard output"
        raise UserError(f"{where}: cannot be written ({error.strerror}); {mend}") from None
    problems = found.problems + output.problems
    for problem in problems:
        complain(problem)
    return EXIT_BAD_INPUT if problems else 0


def predict_files(listener: AnyListener, hop_samples: int, output: Output) -> None:
    """Write one row per window of every file that ``output`` has not got yet."""
    # Rows that scroll by on a terminal are progress enough, and a bar would tear them.
    with stderr_progress(not output.watched) as progress:
        for number, path in enumerate(output.remaining, start=1):
            title = f"{number}/{len(output.remaining)} {path.name}"
            task = progress.add_task(title, total=duration_s(path))
            problem = None
            try:
                sound = read_ahead(blocks_of(path, listener.task))
                heard = cut(sound, hop_samples, listener.clip_samples, listener.task)
                said: Iterator[AnyRow] = listener.rows(path, heard)
                for rows in batches(said, AT_ONCE):
                    output.write(rows)
                    progress.update(task, completed=rows[-1].end_s)
            except UserError as error:
                problem = str(error)
            output.finish(path, problem)
            progress.remove_task(task)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Consecutive lists of ``size`` items, the last one shorter.

    An error of ``items`` is raised after what came before it.
    """
    batch: list[T] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
    except UserError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _by_name(output: Path | None) -> str:
    """The format that a name asks for.

    Raises:
        UserError: one that is not written, which a CSV of that name would only seem to be.
    """
    suffix = "" if output is None else output.suffix.lower()
    if suffix in OTHER_FORMATS:
        raise UserError(
            f"--output: {output} asks for a format that is not written; name a .csv or .json, which"
            " spreadsheets read, or add --format"
        )
    form = suffix.removeprefix(".")
    return form if form in (*FORMATS, *ARRAYS) else FORMATS[0]


def _listener(bundle: Bundle, precision: str | None, per: str, hop_samples: int) -> AnyListener:
    task = bundle.task
    if isinstance(task, EmbeddingTask):
        return EmbeddingListener(bundle.load(precision), task, bundle.clip_samples, per == "file")
    if isinstance(task, ClassesTask):
        return ClassListener(bundle.load(precision), task, bundle.clip_samples, per == "file")
    if per == "file":
        raise UserError(
            "--per file: this bundle counts people, who come and go; leave the option out, or give"
            " a bundle that names classes"
        )
    shared = load_shared(bundle, precision, hop_samples)
    return Listener(shared or bundle.load(precision), bundle.levels)


def _hop_samples(hop_s: float | None, clip_samples: int) -> int:
    if hop_s is None:
        return clip_samples
    if not MIN_HOP_S <= hop_s <= MAX_HOP_S:
        raise UserError(f"--hop-s: got {hop_s:g}, expected {MIN_HOP_S} to {MAX_HOP_S:g} seconds")
    return round(hop_s * SAMPLE_RATE_HZ)
