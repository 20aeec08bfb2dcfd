"""`python -m deploy run`: from speech and a budget to searched, trained, lowered, measured models.

This command reads what is asked for (`pipeline_settings`); `pipeline_plan` has the steps,
`pipeline_runner` runs them, `pipeline_state` keeps what is done.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

from deploy.engine import MOST_THREADS
from deploy.pipeline_plan import plan
from deploy.pipeline_runner import StepRefusedError, recorded_versions, run_steps
from deploy.pipeline_scale import OWN_FIELDS, SHIPPED_SCALES, Scale, config_path, read_scale
from deploy.pipeline_settings import RunSettings
from deploy.pipeline_speech import check_sound
from deploy.pipeline_state import CONFIG_FILE, open_run_folder, read_config
from lightning_modules.mixtures_open import PROTOCOLS
from search_spaces.budget import Budget, check_budget
from search_spaces.command_line import (
    named_path,
    positive_number,
    positive_whole_number,
    whole_number,
    whole_number_within,
)
from search_spaces.errors import EXIT_BAD_INPUT, UserError
from search_spaces.files import write_json
from search_spaces.spaces import get_space
from search_spaces.termination import terminated_as_interrupted
from search_spaces.wandb_options import add_wandb_arguments, read_wandb_options
from search_spaces.wandb_run import check_online

HELP = "the whole job: speech with few labels and a budget -> models on the frontier and a report"
MIN_FREE_BYTES = 200 * 1024**2
TRAIN_PRECISIONS = ("32-true", "bf16-mixed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--speech",
        help="a folder of recordings, librispeech:<root>/<subset>, or espeak[:<voices>]"
        " (default: the scale's, of espeak)",
    )
    parser.add_argument(
        "--root", help="a folder per class, or a CSV with path,label: of a scale of classes"
    )
    parser.add_argument(
        "--scale",
        default="demo",
        help=f"{', '.join(SHIPPED_SCALES)} (deploy/scales/) or a YAML file (default: %(default)s)",
    )
    parser.add_argument("--out", type=named_path, help="folder of the run (default: runs/<scale>)")
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        help="how clips are mixed (default: the scale's, libricount unless it says another)",
    )
    parser.add_argument("--seed", type=whole_number, default=0, help="default: %(default)s")
    parser.add_argument(
        "--threads",
        type=whole_number_within(1, MOST_THREADS),
        default=1,
        help="of the cost table and the benchmark (default: %(default)s)",
    )
    parser.add_argument(
        "--train-precision",
        choices=TRAIN_PRECISIONS,
        help="of the trainings: bf16-mixed is twice as fast where the processor computes in it,"
        " or on a GPU (default: the scale's configurations')",
    )
    add_wandb_arguments(parser, include=True)
    limits = parser.add_argument_group("budget (default: the scale's)")
    limits.add_argument("--labelled-clips", type=positive_whole_number, help="of counts")
    limits.add_argument("--labelled-per-class", type=positive_whole_number, help="of classes")
    limits.add_argument("--max-latency-ms", type=positive_number, help="of a clip, predicted")
    limits.add_argument("--max-params", type=positive_whole_number, help="weights of a net")
    limits.add_argument("--max-energy-mj", type=positive_number, help="needs a table with energy")


def run(args: argparse.Namespace) -> int:
    """Run or continue the job; prints the table of the winners and the report's path."""
    scale = _scale(args)
    listing, num_outputs = check_sound(scale)
    budget = Budget(max_params=scale.max_params)
    check_budget(get_space(scale.space), None, budget, num_outputs)
    out = args.out or Path("runs", Path(args.scale).stem)
    _check_disk(out)
    wandb = read_wandb_options(args, out)
    check_online(wandb)
    with terminated_as_interrupted(), open_run_folder(out) as folder:
        settings = RunSettings(
            out=out,
            seed=args.seed,
            scale=scale,
            threads=args.threads,
            versions=json.dumps(recorded_versions()),
            listing=listing,
            num_outputs=num_outputs,
            wandb=wandb,
            train_precision=args.train_precision,
        )
        before = read_config(out / CONFIG_FILE)
        if before is not None and folder.has_begun("fit"):
            _check_same_job(out, before["scale"], scale)
        write_json(out / CONFIG_FILE, _config(settings))
        try:
            run_steps(folder, plan(settings), scale.expected_seconds)
        except StepRefusedError as refused:
            if refused.as_before and before is not None:
                write_json(out / CONFIG_FILE, before)
            return EXIT_BAD_INPUT
    from deploy.pipeline_summary import print_summary  # here, since it brings torch

    print_summary(out)
    return 0


def _scale(args: argparse.Namespace) -> Scale:
    """The scale with what the command line says in its place."""
    given = {
        field: value
        for field in (*OWN_FIELDS, "max_latency_ms", "max_params", "max_energy_mj")
        if (value := getattr(args, field, None)) is not None
    }
    scale = read_scale(args.scale)
    for field, value in given.items():
        if value == "":  # as a shell variable may be; it would mean the folder one is in
            raise UserError(f"--{field}: is empty; name recordings, or leave the option out")
    for field in given.keys() & {*OWN_FIELDS} - {*scale.own_fields}:
        raise UserError(
            f"--{field.replace('_', '-')} {given[field]}: is not of {scale.task}, as scale"
            f" {args.scale} is; leave it out, or take another scale"
        )
    for flag in ("labelled-clips", "labelled-per-class"):
        if given.get(flag.replace("-", "_"), 2) < 2:
            raise UserError(f"--{flag} 1: expected at least 2, for training and for validation")
    return dataclasses.replace(scale, **given)


def _check_same_job(out: Path, before: dict[str, Any], scale: Scale) -> None:
    """Refuse to train another scale where one was trained, whose work would be done anew.

    Raises:
        UserError: naming what differs, or a field of the run's `config.json` that is damaged.
    """
    for field in ("task", "space", "fit_config"):
        was, wanted = before.get(field), getattr(scale, field)
        if was is not None and not isinstance(was, str):
            raise UserError(
                f"{out / CONFIG_FILE}: field $.scale.{field}: is {str(was)[:60]}, expected a text;"
                f" put {wanted!r} there if that is what was run, or name another --out"
            )
        same = was == wanted
        if field == "fit_config" and was is not None:
            same = config_path(was).resolve() == config_path(wanted).resolve()
        if was is not None and not same:
            raise UserError(
                f"--out {out}: holds a run of {field} {was}, and this scale's is {wanted}; name"
                " another folder, or the scale of that run"
            )


def _check_disk(out: Path) -> None:
    """Refuse a disk that a run would fill.

    Raises:
        UserError: too little space is free where ``out`` lies or will lie.
    """
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < MIN_FREE_BYTES:
        raise UserError(
            f"--out {out}: {free // 1024**2} MiB free on its disk, a run needs"
            f" {MIN_FREE_BYTES // 1024**2}; free some or name another folder"
        )


def _config(settings: RunSettings) -> dict[str, Any]:
    """The run's ``config.json``: everything that was asked of it."""
    return {
        "seed": settings.seed,
        "threads": settings.threads,
        "train_precision": settings.train_precision,
        "scale": dataclasses.asdict(settings.scale),
    }
