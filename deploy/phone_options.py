"""Options of `python -m deploy phone`, and what they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.bundle import Bundle, add_choice_arguments, choose_bundles
from deploy.phone_runner import FOLDER
from search_spaces.command_line import named_path, positive_number
from search_spaces.errors import UserError
from search_spaces.files import check_writable
from search_spaces.wandb_options import WandbOptions, add_wandb_arguments, read_wandb_options

THREADS = (1, 2, 4)
INTERVAL_S = 60.0


@dataclass(frozen=True)
class Wishes:
    """What is measured on each phone.

    Attributes:
        bundles: each with one of its precisions.
        threads: each model is measured with each.
        energy: whether energy is measured.
        day_profile: as in job.json, or None.
        keep: whether pushed files stay on the phone.
        wandb: how Weights & Biases is logged to, or None.
    """

    bundles: Sequence[tuple[Bundle, str]]
    threads: Sequence[int]
    energy: bool
    day_profile: dict[str, Any] | None
    keep: bool
    wandb: WandbOptions | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add_choice_arguments(parser)
    add_phone_arguments(parser)
    parser.add_argument("--all", action="store_true", help="every phone, one after the other")
    parser.add_argument(
        "--threads",
        type=thread_numbers,
        default=THREADS,
        help="numbers of threads with commas between (default: 1,2,4)",
    )
    parser.add_argument(
        "--no-energy", action="store_true", help="leave energy out (it takes 14 minutes per model)"
    )
    parser.add_argument(
        "--day-profile",
        type=positive_number,
        metavar="MINUTES",
        help="also the mean power of one clip each interval, against doing nothing as long",
    )
    parser.add_argument(
        "--interval",
        type=positive_number,
        default=INTERVAL_S,
        metavar="SECONDS",
        help="between the clips of --day-profile (default: %(default)g)",
    )
    parser.add_argument(
        "--out",
        type=named_path,
        default=Path("measurements"),
        help="folder for <net>-<precision>-<threads>t.json; with --all a folder of each phone in it"
        " (default: %(default)s)",
    )
    add_wandb_arguments(parser, include=True)


def add_phone_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options by which any command reaches phones."""
    parser.add_argument("--serial", help="of the phone, as `adb devices` lists it")
    parser.add_argument("--keep", action="store_true", help="leave the pushed files on the phone")
    parser.add_argument(
        "--runner",
        type=named_path,
        default=FOLDER,
        help="folder of the runner's package, from `make runner` (default: %(default)s)",
    )


def read_wishes(args: argparse.Namespace) -> Wishes:
    """What the options ask for; bundles are read and checked.

    Raises:
        UserError: options that exclude each other, or a bundle that is none.
    """
    check_choice(args)
    check_writable(args.out, "--out", folder=True)
    return Wishes(
        bundles=choose_bundles(args.bundle, args.precision),
        threads=args.threads,
        energy=not args.no_energy,
        day_profile=_day_profile(args.day_profile, args.interval, min(args.threads)),
        keep=args.keep,
        wandb=read_wandb_options(args, args.out.parent),
    )


def check_choice(args: argparse.Namespace) -> None:
    """Refuse a phone that is chosen together with all.

    Raises:
        UserError: naming the option.
    """
    if args.all and args.serial is not None:
        raise UserError(f"--serial: got {args.serial!r} together with --all, expected one of them")


def thread_numbers(text: str) -> tuple[int, ...]:
    """Distinct whole numbers with commas between, for ``type=`` of a flag.

    Raises:
        argparse.ArgumentTypeError: the text is none.
    """
    parts = text.split(",")
    numbers = tuple(int(part) for part in parts if part.isdecimal() and int(part) > 0)
    if not len({*numbers}) == len(numbers) == len(parts):
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected distinct whole numbers from 1 with commas between, e.g. 1,2,4"
        )
    return numbers


def _day_profile(minutes: float | None, interval_s: float, threads: int) -> dict[str, Any] | None:
    if minutes is None:
        return None
    if interval_s > 60 * minutes:
        raise UserError(
            f"--interval: got {interval_s:g} s, expected at most the {minutes:g} minutes of"
            " --day-profile"
        )
    return {"threads": threads, "interval_seconds": interval_s, "minutes": minutes}
