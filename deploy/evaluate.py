"""`python -m deploy evaluate`: how well a bundle does on clips whose labels are known.

Letters: N clips, K counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.bundle import DEFAULT_BUNDLE, MANIFEST, PRECISIONS, Bundle, read_bundle
from deploy.evaluate_classes import evaluate_classes
from deploy.evaluation import (
    check_outputs,
    make_evaluation,
    origin_of,
    output_paths,
    write_evaluation,
)
from deploy.labelled_clips import (
    LabelledClip,
    annotation_path,
    clips_sha256,
    read_labelled_clips,
)
from deploy.labelled_windows import read_labelled_windows
from deploy.probe_options import add_probe_arguments
from deploy.progress import stderr_progress
from deploy.wandb_evaluation import log_evaluation
from deploy.windows import Window, windows
from search_spaces.clip import CLIP_SECONDS, SAMPLE_RATE_HZ
from search_spaces.command_line import named_path
from search_spaces.errors import UserError
from search_spaces.task_classes import ClassesTask
from search_spaces.task_embedding import EmbeddingTask
from search_spaces.wandb_options import add_wandb_arguments, read_wandb_options
from search_spaces.wandb_run import check_online

HELP = "error, calibration and confusion of a bundle on clips with known labels"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--bundle",
        type=named_path,
        nargs="+",
        default=[DEFAULT_BUNDLE],
        help=f"bundle folder, of embeddings one or several (default: {DEFAULT_BUNDLE})",
    )
    parser.add_argument(
        "--clips",
        type=named_path,
        help="folder of <count>_<anything>.wav (LibriCount's too), a CSV with the columns"
        " file,count, or with --segments a folder of recordings; of classes a folder per class, or"
        " a CSV with path,label",
    )
    parser.add_argument(
        "--segments",
        type=named_path,
        help="who speaks when in the recordings: RTTM files, LibriCSS's folder, AMI's segments as"
        " XML, or Kaldi's (with utt2spk beside it)",
    )
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="default: int8 where the bundle has it"
    )
    parser.add_argument(
        "--out",
        type=named_path,
        default=Path("evaluation"),
        help="folder for evaluation.json and confusion.png, or a name ending in .json"
        " (the picture then lies beside it); default: %(default)s",
    )
    parser.add_argument(
        "--rows", action="store_true", help="also write one row per clip, with its file name"
    )
    add_wandb_arguments(parser, include=True)
    add_probe_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate, write the files, print the metrics, and then log them if asked to."""
    _check_probe_options(args)
    if args.probe is not None:
        from deploy.probe import run_probe

        return run_probe(args)
    bundle = read_bundle(_asked(args))
    wandb = read_wandb_options(args, output_paths(args.out)[0].parent)
    check_online(wandb)
    precision = bundle.choose_precision(args.precision)
    if isinstance(bundle.task, ClassesTask):
        if args.segments is not None:
            raise UserError(
                f"--segments {args.segments}: says who speaks when, but {bundle.name} names"
                " classes; leave it out"
            )
        evaluation = evaluate_classes(args, bundle, precision, bundle.task)
    elif isinstance(bundle.task, EmbeddingTask):
        raise UserError(
            f"{bundle.path}: gives embeddings, which have no labels of their own; judge them by"
            " --probe SET"
        )
    else:
        evaluation = _evaluate_counts(args, bundle, precision)
    if wandb is not None:
        log_evaluation(wandb, bundle, evaluation)
    return 0


def _evaluate_counts(args: argparse.Namespace, bundle: Bundle, precision: str) -> dict[str, Any]:
    """The evaluation of a bundle that counts people."""
    clips = (
        read_labelled_clips(args.clips)
        if args.segments is None
        else read_labelled_windows(args.clips, args.segments)
    )
    sounds = list(dict.fromkeys(clip.path for clip in clips))
    given = [path for path in (args.clips, args.segments) if path is not None]
    check_outputs(
        args.out, [bundle.path / MANIFEST, *given, *sounds, *map(annotation_path, sounds)]
    )
    probabilities, input_dbfs = hear(clips, bundle.load(precision).run)
    origin = origin_of(bundle, precision, len(clips), clips_sha256(clips))
    evaluation = make_evaluation(
        clips,
        probabilities,
        input_dbfs,
        bundle.levels,
        origin,
        with_rows=args.rows,
        temperature=bundle.manifest["temperature"],
    )
    json_path, picture_path = write_evaluation(args.out, evaluation)
    print(table(evaluation))
    print(f"wrote {json_path} and {picture_path}")
    return evaluation


def _check_probe_options(args: argparse.Namespace) -> None:
    """Refuse options that would be passed over.

    Raises:
        UserError: naming the first.
    """
    if args.probe is not None:
        for name in ("clips", "segments", "rows", "wandb"):
            if getattr(args, name) not in (None, False):
                raise UserError(
                    f"--{name}: is not of --probe, which reads its own recordings and writes"
                    " probe.json alone; leave it out"
                )
    if args.probe is None or args.teacher is None:
        for name in ("teacher_rate_hz", "teacher_samples"):
            if getattr(args, name) is not None:
                raise UserError(
                    f"--{name.replace('_', '-')}: is of a teacher that is probed; leave it out, or"
                    " give --probe and --teacher"
                )


def _asked(args: argparse.Namespace) -> Path:
    """The one bundle, once it is clear what is to be judged.

    Raises:
        UserError: several bundles, no clips, or options of the probes alone.
    """
    if args.teacher is not None or args.speaker_normalised or len(args.bundle) > 1:
        raise UserError(
            "--teacher, --speaker-normalised and several bundles are of the probes of embeddings;"
            " give --probe with labelled recordings"
        )
    if args.clips is None:
        raise UserError("--clips: not given; name labelled clips, or of embeddings give --probe")
    return args.bundle[0]


def hear(
    clips: Sequence[LabelledClip],
    run_model: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Run the model on every clip.

    Returns:
        Probabilities float32 [N, K], and each clip's RMS level in dB of full scale [N], -inf for
        digital silence.

    Raises:
        UserError: a clip that cannot be read, or is longer than one window.
    """
    probabilities, levels_dbfs = [], []
    with stderr_progress() as progress:
        for window in progress.track(_sounds(clips), len(clips), description="evaluate"):
            probabilities.append(run_model(window.waveform))
            samples = round((window.end_s - window.start_s) * SAMPLE_RATE_HZ)
            sound = window.waveform[:samples].astype(np.float64)
            with np.errstate(divide="ignore"):
                levels_dbfs.append(10.0 * np.log10(np.square(sound).mean()))
    return np.stack(probabilities), np.array(levels_dbfs)


def _sounds(clips: Sequence[LabelledClip]) -> Iterator[Window]:
    """The sound of each clip; a recording whose windows follow each other is read once."""
    for path, of_one in groupby(clips, key=lambda clip: clip.path):
        wanted = list(of_one)
        if wanted[0].start_s is None:
            first, *more = islice(windows(path), 2)
            if more:
                raise UserError(
                    f"{path}: longer than a clip of {CLIP_SECONDS:g} s, so its count is not"
                    " that of one window; cut it, or give --segments"
                )
            yield first
            continue
        starts = {clip.start_s for clip in wanted}
        heard = 0
        for window in windows(path):
            if window.start_s in starts:
                heard += 1
                yield window
        if heard < len(wanted):
            raise UserError(f"{path}: is shorter than its header says; convert it to wav")


def table(evaluation: dict[str, Any]) -> str:
    """The metrics as lines for a terminal."""
    bundle, metrics = evaluation["bundle"], evaluation["metrics"]
    percent = "{:.1f} %".format
    lines = [f"{bundle['name']} ({bundle['precision']}) on {evaluation['clips']['number']} clips"]
    for title, key, scale, form in (
        ("level error", "level_error", 100.0, percent),
        ("MAE of the count", "mae", 1.0, "{:.2f}".format),
        ("exact accuracy", "exact_accuracy", 100.0, percent),
    ):
        value, low, high = (form(scale * metrics[key][end]) for end in ("value", "low", "high"))
        lines.append(f"  {title:<18}{value:>8}   95 % interval {low} to {high}")
    before = metrics["ece_before_temperature"]
    lines.append(f"  {'ECE':<18}{metrics['ece']:>8.3f}   {before:.3f} before the temperature")
    return "\n".join(lines)
