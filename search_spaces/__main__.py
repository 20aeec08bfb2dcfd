"""`python -m search_spaces`: search a frontier, describe a space, run NNI's experiments."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from search_spaces.command_line import CommandParser, named_path
from search_spaces.errors import run_command
from search_spaces.search_options import (
    add_input_options,
    add_search_options,
    add_trial_options,
    budget_of,
    fixed_of,
    levels_of,
    size_of,
)
from search_spaces.termination import ended_by_interrupt
from search_spaces.wandb_options import add_wandb_arguments, read_wandb_options


def main() -> int:
    """Run the command line; imports follow parsing, so that ``--help`` needs no torch."""
    arguments = _parser().parse_args()
    return arguments.run(arguments)


def _parser() -> CommandParser:
    parser = CommandParser(prog="python -m search_spaces", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=CommandParser)
    _add_search(commands)
    describe = commands.add_parser("describe", help="print a space's dimensions, size and costs")
    describe.add_argument("--space", required=True, metavar="NAME", help="e.g. sam-lite")
    describe.add_argument("--nni", action="store_true", help="as the search space file of NNI")
    describe.set_defaults(run=_describe)
    _add_nni(commands)
    return parser


def _add_nni(commands: argparse._SubParsersAction) -> None:
    best = commands.add_parser(
        "best",
        help="the winner of an NNI experiment as a frontier.json",
        description="Write the frontier of the experiment's best trial, or of all trials where each"
        " judged one net, into --out: frontier.json, weights/, frontier.png and trial.json, which"
        " says whose they are.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    best.add_argument("--experiment", required=True, metavar="ID", help="see `nnictl experiment`")
    best.add_argument("--out", type=named_path, help="folder (default: runs/nni/<ID>/best)")
    best.add_argument("--experiments", type=named_path, help="NNI's experimentWorkingDirectory")
    best.set_defaults(run=_best)
    trial = commands.add_parser(
        "trial",
        help="one trial of an NNI experiment over architectures",
        description="One trial of an NNI experiment over architectures (docs/nnictl.md): the net"
        " that the tuner chose inherits the supernet's weights, is judged, and reported.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add_trial_options(trial)
    trial.set_defaults(run=_trial)
    nnictl = commands.add_parser(
        "nnictl",
        help="NNI's nnictl, with its web page on loopback and its complaints in one line",
        description="NNI's nnictl with the arguments given. For create, resume and view it first"
        " checks configuration, search space and port, and the web page listens on 127.0.0.1"
        " only (docs/nnictl.md).",
    )
    nnictl.add_argument("--version", "-v", action="store_true", help="NNI's")
    nnictl.add_argument("arguments", nargs=argparse.REMAINDER, help="e.g. create --config FILE")
    nnictl.set_defaults(run=_nnictl)


def _best(arguments: argparse.Namespace) -> int:
    from search_spaces.best import write_best

    out = arguments.out or Path("runs", "nni", arguments.experiment, "best")
    trial, frontier = write_best(arguments.experiment, out, arguments.experiments)
    print(f"trial {trial.number} ({trial.name}): {trial.parameters}")
    print(summary(frontier.raw))
    print(out / "frontier.json")
    return 0


def _trial(arguments: argparse.Namespace) -> int:
    from search_spaces.architecture_trial import run_trial

    with ended_by_interrupt():
        return run_trial(arguments, sys.argv[2:])


def _nnictl(arguments: argparse.Namespace) -> int:
    from search_spaces.nnictl import main as nnictl

    return nnictl(["--version"] if arguments.version else arguments.arguments)


def _add_search(commands: argparse._SubParsersAction) -> None:
    search = commands.add_parser(
        "search",
        help="search one frontier of error, latency and size from a trained supernet",
        description="Search one frontier with NSGA-II over the supernet's weights. Writes"
        " frontier.json, weights/ and frontier.png into --out. Killed and started again with the"
        " same command, it continues.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add_input_options(search)
    search.add_argument("--out", required=True, type=named_path, help="folder to write into")
    add_search_options(search)
    add_wandb_arguments(search.add_argument_group("Weights & Biases"))
    search.set_defaults(run=_search)


def _search(arguments: argparse.Namespace) -> int:
    levels, size = levels_of(arguments), size_of(arguments)
    from search_spaces.search import search
    from search_spaces.search_setup import SearchFiles
    from search_spaces.wandb_run import check_online
    from search_spaces.wandb_search import log_search

    wandb = read_wandb_options(arguments, arguments.out.parent)
    check_online(wandb)
    files = SearchFiles(
        checkpoint=arguments.checkpoint,
        clips=arguments.clips or arguments.checkpoint.with_name("clips.npz"),
        cost_table=arguments.cost_table,
        out=arguments.out,
    )
    value = search(
        files,
        budget_of(arguments),
        levels,
        size,
        arguments.seed,
        fixed_of(arguments),
        arguments.minimise,
    )
    print(summary(value))
    print(arguments.out / "frontier.json")
    if wandb is not None:
        log_search(wandb, files.checkpoint, files.out, value)
    return 0


def summary(value: dict) -> str:
    """The winners of a `frontier.json` as a table, cheapest first."""
    from search_spaces.task_json import read_task

    precision, headline = value["budget"]["precision"], read_task(value).headline
    rows = [f"{'winner':<14} {headline.title:>23} {'params':>8} {'MMAC':>7} {'ms ' + precision:>8}"]
    for winner in value["winners"]:
        error, latency = winner[headline.key], winner["predicted_latency_ms"]
        shown = "unknown"
        if error["value"] is not None:
            low, high = 100 * error["low"], 100 * error["high"]
            shown = f"{100 * error['value']:.1f} % [{low:.1f}, {high:.1f}]"
        rows.append(
            f"{winner['name']:<14} {shown:>23} {winner['params']:>8} {winner['macs'] / 1e6:>7.2f}"
            f" {f'{latency[precision]:.3f}' if latency else '-':>8}"
            f"{'  best' if winner['name'] == value['best'] else ''}"
        )
    return "\n".join(rows)


def _describe(arguments: argparse.Namespace) -> int:
    from search_spaces.description import describe
    from search_spaces.nni_space import search_space_yaml
    from search_spaces.spaces import any_space, get_space

    # An experiment over nets that share no weights has an experiment's own file (docs/nnictl.md).
    spec = get_space(arguments.space) if arguments.nni else any_space(arguments.space)
    print(search_space_yaml(spec) if arguments.nni else describe(spec))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
