"""The options by which every command logs to Weights & Biases; docs/wandb.md explains them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.errors import UserError

MODES = ("offline", "online")
PROJECT = "ersam-kit"
AUDIO_FILES = ("vectors.bin",)
_NO_PROJECT, _LONGEST_PROJECT = "/\\#?%:", 128  # of W&B, which says so when all work is done
_NEEDING_WANDB = ("wandb_project", "wandb_group", "wandb_dir", "wandb_include")
SUBNET_TABLE = "subnets/table"  # logged by training, shown by the dashboard


@dataclass(frozen=True)
class WandbOptions:
    """What was asked for.

    Attributes:
        mode: ``offline`` writes files only; ``online`` uploads them too.
        project: of W&B.
        group: of the runs; None leaves it to W&B, which reads $WANDB_RUN_GROUP.
        folder: its folder ``wandb`` takes the runs.
        include: files with sound that go into artifacts; see `AUDIO_FILES`.
    """

    mode: str
    project: str
    group: str | None
    folder: Path
    include: tuple[str, ...] = ()


def add_wandb_arguments(parser: Any, include: bool = False) -> None:
    """Declare the options.

    Args:
        parser: argparse's or jsonargparse's.
        include: whether the command's artifacts may take files with sound.
    """
    parser.add_argument(
        "--wandb",
        nargs="?",
        choices=MODES,
        const="offline",
        default=None,
        help="log to Weights & Biases: into files (offline, if nothing follows), or upload them",
    )
    parser.add_argument(
        "--wandb-project",
        metavar="NAME",
        default=None,
        help=f"default: $WANDB_PROJECT, else {PROJECT}",
    )
    parser.add_argument(
        "--wandb-group", metavar="NAME", default=None, help="run group (default: $WANDB_RUN_GROUP)"
    )
    parser.add_argument(
        "--wandb-dir",
        metavar="DIR",
        default=None,
        help="folder in which wandb/ is made (default: the one that holds --out)",
    )
    if include:
        parser.add_argument(
            "--wandb-include",
            nargs="+",
            choices=AUDIO_FILES,
            default=(),
            help="files that hold recorded sound, left out of artifacts unless named here",
        )


def read_wandb_options(
    args: argparse.Namespace | Mapping[str, Any], folder: Path
) -> WandbOptions | None:
    """What the options ask for, or None.

    Args:
        args: the parsed options.
        folder: where `--wandb-dir` is not given.

    Raises:
        UserError: options without `--wandb`, a project's name that W&B does not take, or a folder
            that cannot be written.
    """
    from search_spaces.files import check_writable  # needs packages, which may be missing

    given = args if isinstance(args, Mapping) else vars(args)
    if given["wandb"] is None:
        for name in _NEEDING_WANDB:
            if given.get(name):
                raise UserError(f"--{name.replace('_', '-')}: needs --wandb; give it, or neither")
        return None
    options = WandbOptions(
        mode=given["wandb"],
        project=given["wandb_project"] or os.environ.get("WANDB_PROJECT") or PROJECT,
        group=given["wandb_group"],
        folder=Path(given["wandb_dir"] or folder),
        include=tuple(given.get("wandb_include", ())),
    )
    _check_project(
        options.project, "--wandb-project" if given["wandb_project"] else "WANDB_PROJECT"
    )
    check_writable(options.folder, "--wandb-dir" if given["wandb_dir"] else "--wandb", folder=True)
    return options


def _check_project(name: str, field: str) -> None:
    if len(name) > _LONGEST_PROJECT or {*name} & {*_NO_PROJECT}:
        raise UserError(
            f"{field}: got {name!r}, but W&B takes at most {_LONGEST_PROJECT} characters and none"
            f" of {_NO_PROJECT}"
        )
