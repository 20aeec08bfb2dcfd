"""`python -m deploy dashboard`: the W&B dashboard as code, printed, created, or drawn."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from search_spaces.command_line import named_path
from search_spaces.errors import UserError
from search_spaces.wandb_options import PROJECT, WandbOptions
from search_spaces.wandb_run import check_online

HELP = (
    "the W&B dashboard: print it as JSON, create it with an account, or draw it from offline runs"
)

PICTURES = (".png", ".svg", ".pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    project = os.environ.get("WANDB_PROJECT") or PROJECT
    parser.add_argument(
        "--wandb-project", metavar="NAME", default=project, help="default: %(default)s"
    )
    parser.add_argument("--wandb-group", metavar="NAME", help="show this group of runs only")
    parser.add_argument(
        "--wandb-entity",
        metavar="NAME",
        default=os.environ.get("WANDB_ENTITY"),
        help="user or team (default: $WANDB_ENTITY, else the account's own)",
    )
    parser.add_argument("--create", action="store_true", help="create it in W&B; needs an account")
    parser.add_argument(
        "--picture",
        type=named_path,
        metavar="PNG",
        help="draw the panels from offline runs instead",
    )
    parser.add_argument(
        "--runs",
        type=named_path,
        metavar="DIR",
        help="folder with the offline runs for --picture, e.g. runs/demo/wandb",
    )


def run(args: argparse.Namespace) -> int:
    """Print, create or draw the dashboard."""
    if not args.wandb_project.strip():  # as a shell variable may be
        raise UserError("--wandb-project: is empty; name a project, or leave the option out")
    if (args.picture is None) != (args.runs is None):
        raise UserError("--picture, --runs: got one of them, expected both or neither")
    if args.picture is not None and args.picture.suffix not in PICTURES:
        raise UserError(
            f"--picture {args.picture}: expected a name that ends in {', '.join(PICTURES)}"
        )
    if args.picture is not None and args.create:
        raise UserError("--create: got together with --picture, expected one of them")
    if args.picture is not None:
        return _draw(args)
    if args.create:
        check_online(WandbOptions("online", args.wandb_project, args.wandb_group, Path()))
    from deploy.dashboard_workspace import as_json, build_workspace, save

    entity = args.wandb_entity or (_own_entity() if args.create else "")
    workspace = build_workspace(entity, args.wandb_project, args.wandb_group)
    print(save(workspace) if args.create else as_json(workspace))
    return 0


def _draw(args: argparse.Namespace) -> int:
    from deploy.dashboard_picture import draw_dashboard
    from deploy.wandb_records import read_runs

    runs = [run for run in read_runs(args.runs) if args.wandb_group in (None, run.run["run_group"])]
    if not runs:
        raise UserError(
            f"--wandb-group: {args.runs} holds no run of the group {args.wandb_group!r}"
        )
    draw_dashboard(args.picture, runs)
    print(args.picture)
    return 0


def _own_entity() -> str:
    import wandb

    entity = wandb.Api().default_entity
    if not entity:
        raise UserError("--wandb-entity: not given, and the account has no default one")
    return entity
