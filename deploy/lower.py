"""`python -m deploy lower`: turn the winners of a search into bundles."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.bundle import MODEL_FILES, read_bundle
from deploy.engine import runtime_version
from search_spaces.command_line import named_path
from search_spaces.errors import EXIT_BAD_INPUT, UserError, complain, one_line
from search_spaces.file_lock import held
from search_spaces.files import check_writable, sha256_file
from search_spaces.task_json import task_fields
from search_spaces.wandb_options import add_wandb_arguments, read_wandb_options

if TYPE_CHECKING:
    from search_spaces.clips_file import Clips
    from search_spaces.frontier import Frontier, Winner
    from search_spaces.task import Task

HELP = "lower a search's winners to fp32 and int8 bundles"
DEFAULT_LICENCE = "Apache-2.0"
MAX_INT8_DROP_POINTS, MOST_POINTS = 0.5, 100.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--frontier", type=named_path, required=True, help="frontier.json of a search"
    )
    parser.add_argument(
        "--out", type=named_path, required=True, help="folder for one bundle per winner"
    )
    parser.add_argument(
        "--winner", nargs="+", metavar="NAME", help="winners to lower (default: all)"
    )
    parser.add_argument(
        "--clips", type=named_path, help="clips.npz (default: the one that the search used)"
    )
    parser.add_argument(
        "--allow-drop", action="store_true", help="keep int8 whatever accuracy it loses"
    )
    parser.add_argument(
        "--max-int8-drop",
        type=float,
        default=MAX_INT8_DROP_POINTS,
        metavar="POINTS",
        help="(level) accuracy that int8 may lose, in percentage points (default: %(default)s)",
    )
    parser.add_argument(
        "--licence", default=DEFAULT_LICENCE, help="SPDX id of the weights (default: %(default)s)"
    )
    parser.add_argument(
        "--share-frames",
        action="store_true",
        help="add the net in two halves, with which `predict` shares frames between windows that"
        " overlap",
    )
    add_wandb_arguments(parser, include=True)


def run(args: argparse.Namespace) -> int:
    """Lower every winner; 2 when one was refused (after the others are done), else 0."""
    from search_spaces.clips_file import read_clips_for
    from search_spaces.frontier import read_frontier
    from search_spaces.spaces import any_space
    from search_spaces.wandb_run import check_online

    wandb = read_wandb_options(args, args.out.parent)
    check_online(wandb)
    if not 0 <= args.max_int8_drop <= MOST_POINTS:
        raise UserError(
            f"--max-int8-drop: got {args.max_int8_drop}, expected points from 0 to {MOST_POINTS}"
        )
    if not args.licence.strip() or not args.licence.isprintable():
        raise UserError(
            f"--licence: got {args.licence!r}, expected an SPDX id, as MIT or CC-BY-4.0"
        )
    check_writable(args.out, "--out", folder=True)
    frontier = read_frontier(args.frontier)
    if args.share_frames:
        _check_shareable(args.frontier, frontier)
    winners = [frontier.winner(name) for name in args.winner] if args.winner else frontier.winners
    clips_path = args.clips or searched_clips(args.frontier, frontier)
    clips = read_clips_for(clips_path, any_space(frontier.space), frontier.task)
    training = training_record(args.frontier, frontier)
    versions = {
        "executorch": runtime_version(),
        "torch": version("torch"),
        "torchao": version("torchao"),
        "ersam-kit": version("ersam-kit"),
    }
    inputs = {
        "clips_sha256": sha256_file(clips_path),
        **judged_by(frontier.task),
        "max_int8_drop": args.max_int8_drop,
        "allow_drop": args.allow_drop,
        "versions": versions,
        **({"share_frames": True} if args.share_frames else {}),
    }
    refusal = (
        f"--out {args.out}: another `lower` is at work in this folder; wait for it or name another"
        " folder"
    )
    lowered: list[Path] = []
    with held(args.out / ".lock", refusal):
        for number, winner in enumerate(winners, start=1):
            target = args.out / winner.name
            label = f"{winner.name} ({number}/{len(winners)})"
            made_of = {"weights_sha256": winner.weights_sha256, **inputs}
            if is_done(target, made_of, args.licence):
                print(f"{label}: is there already, made of the same inputs", file=sys.stderr)
            else:
                try:
                    _lower_winner(target, winner, frontier, clips, made_of, training, label, args)
                except UserError as error:
                    complain(error)
                    continue
            print(summary(target))
            lowered.append(target)
        if wandb is not None:
            from deploy.wandb_bundle import log_lowered

            log_lowered(wandb, args.frontier, lowered)
    return 0 if len(lowered) == len(winners) else EXIT_BAD_INPUT


def _check_shareable(path: Path, frontier: Frontier) -> None:
    """Refuse nets whose windows share no frames.

    Raises:
        UserError: of another task than counts, or of pictures.
    """
    from search_spaces.spaces import PICTURE_SPACES
    from search_spaces.task_counts import CountsTask

    if not isinstance(frontier.task, CountsTask):
        raise UserError(
            f"--share-frames: {path} is of {frontier.task.kind}, only counts share frames; leave it"
            " out"
        )
    if frontier.space in PICTURE_SPACES:
        raise UserError(
            f"--share-frames: {path} holds a net of pictures, which span all of a clip; leave it"
            " out"
        )


def searched_clips(frontier_path: Path, frontier: Frontier) -> Path:
    """The clips.npz that the search used.

    Raises:
        UserError: it is gone or changed since; ``--clips`` names another.
    """
    recorded = frontier.raw["inputs"]["clips"]
    path = _input_path(frontier_path, recorded)
    if not path.is_file():
        raise UserError(f"{path}: no such file, though the search used it; give it by --clips")
    if sha256_file(path) != recorded["sha256"]:
        raise UserError(f"{path}: changed since the search; search anew, or give it by --clips")
    return path


def judged_by(task: Task) -> dict[str, Any]:
    """The part of a bundle's inputs that says by what it was judged."""
    fields = task_fields(task)
    return {"levels": fields["levels"]} if "levels" in fields else fields


def is_done(target: Path, inputs: dict[str, Any], licence: str) -> bool:
    """Whether a sound bundle of the same inputs lies there, under that licence."""
    try:
        manifest = read_bundle(target).manifest
    except UserError:
        return False
    return (manifest["inputs"], manifest["licence"]) == (inputs, licence)


def summary(target: Path) -> str:
    """One line on a bundle: what it holds, how large and how good."""
    bundle = read_bundle(target, verify=False)
    headline, parts = bundle.task.headline, []
    for name in bundle.precisions:
        precision = bundle.manifest["precisions"][name]
        size_kb = bundle.manifest["files"][MODEL_FILES[name]]["bytes"] / 1000
        error = precision["validation"][headline.key]["value"]
        judged = "unknown" if error is None else headline.text(error)
        parts.append(
            f"{name} {size_kb:.0f} kB, {headline.title} {judged} (validation),"
            f" differs by {precision['max_difference']:.1e}"
        )
    reason = bundle.manifest["int8_reason"]
    if reason and "int8" in bundle.precisions:
        parts.append(f"kept by --allow-drop: {reason}")
    elif reason:
        parts.append(f"fp32 only: {reason}")
    return f"{target}: {'; '.join(parts)}"


def training_record(frontier_path: Path, frontier: Frontier) -> dict[str, Any]:
    """The training record of the supernet searched, or of the one net; None with the reason."""
    from search_spaces.supernet_file import read_training

    recorded = frontier.raw["inputs"]["checkpoint"]
    try:
        path = _input_path(frontier_path, recorded)
        if sha256_file(path) != recorded["sha256"]:
            raise UserError(f"{path}: changed since the search")
        return {"record": read_training(path), "reason": None}
    except (UserError, OSError) as error:
        return {"record": None, "reason": one_line(str(error))}


def _lower_winner(
    target: Path,
    winner: Winner,
    frontier: Frontier,
    clips: Clips,
    inputs: dict[str, Any],
    training: dict[str, Any],
    label: str,
    args: argparse.Namespace,
) -> None:
    from deploy.bundle_writer import staged_folder, write_bundle_files
    from deploy.lowering import lower_net
    from search_spaces.frontier import load_winner

    network = load_winner(args.frontier, winner)
    with staged_folder(target) as folder:
        lowered = lower_net(
            winner.name,
            network,
            clips,
            frontier.task,
            folder,
            allow_drop=args.allow_drop,
            max_int8_drop_points=args.max_int8_drop,
            tell=lambda stage: print(f"{label}: lowering {stage}", file=sys.stderr),
        )
        if args.share_frames:
            from deploy.shared_frames_lowering import lower_halves

            print(f"{label}: lowering its halves", file=sys.stderr)
            lower_halves(winner.name, network, lowered, clips, folder)
        write_bundle_files(
            folder,
            winner,
            frontier,
            lowered,
            clips,
            inputs=inputs,
            training=training,
            licence=args.licence,
        )


def _input_path(frontier_path: Path, recorded: dict[str, str]) -> Path:
    """A path of the search's inputs: as it was given there, or from the frontier's own folder."""
    path = Path(recorded["path"])
    beside = frontier_path.parent / path.name
    return path if path.exists() or not beside.exists() else beside
