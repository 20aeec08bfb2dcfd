"""`python -m search_spaces`: search a frontier, describe a space."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from search_spaces.command_line import (
    CommandParser,
    positive_number,
    positive_whole_number,
    whole_number,
)
from search_spaces.errors import UserError, run_command
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
    describe.add_argument("--space", required=True, metavar="NAME")
    describe.set_defaults(run=_describe)
    return parser


def _add_search(commands: argparse._SubParsersAction) -> None:
    search = commands.add_parser(
        "search",
        help="search one frontier of error, latency and size from a trained supernet",
        description="Search one frontier with NSGA-II over the supernet's weights. Writes"
        " frontier.json, weights/ and frontier.png into --out. Killed and started again with the"
        " same command, it continues.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    search.add_argument("--checkpoint", required=True, type=Path, help="supernet.pt of `fit`")
    search.add_argument("--clips", type=Path, help="clips.npz (default: beside the checkpoint)")
    search.add_argument("--cost-table", type=Path, help="of the target: `deploy cost-table`")
    search.add_argument("--out", required=True, type=Path, help="folder to write into")
    budget = search.add_argument_group("budget, for one 5 s clip; front end included")
    budget.add_argument("--precision", choices=("fp32", "int8"), default="int8")
    budget.add_argument("--max-latency-ms", type=positive_number, help="needs --cost-table")
    budget.add_argument("--max-params", type=positive_number)
    budget.add_argument("--max-macs", type=positive_number)
    budget.add_argument("--max-energy-mj", type=positive_number, help="needs a table with energy")
    search.add_argument(
        "--minimise",
        nargs="+",
        default=[],
        choices=("latency_ms", "params", "macs", "energy_mj"),
        help="costs to minimise beside the error (default: latency, params, energy if known)",
    )
    search.add_argument(
        "--fix",
        nargs="+",
        default=[],
        metavar="DIMENSION=CHOICE",
        help="search only nets with these choices, e.g. frontend_mels=20",
    )
    size = search.add_argument_group("size of the search")
    size.add_argument("--population", type=positive_whole_number, default=20)
    size.add_argument("--generations", type=positive_whole_number, default=5)
    size.add_argument("--winners", type=positive_whole_number, default=4, help="with weights")
    size.add_argument("--ranking-clips", type=positive_whole_number, default=200)
    size.add_argument("--calibration-clips", type=positive_whole_number, default=96)
    search.add_argument("--seed", type=whole_number, default=0)
    levels = search.add_argument_group("levels of social ambiance")
    levels.add_argument("--level-edges", default="1,2,5", help="people at which a level begins")
    levels.add_argument("--level-names", default="none,one,some,active")
    add_wandb_arguments(search.add_argument_group("Weights & Biases"))
    search.set_defaults(run=_search)


def _search(arguments: argparse.Namespace) -> int:
    levels = _levels(arguments.level_edges, arguments.level_names)
    if arguments.population < 2:
        raise UserError("--population: got 1, expected at least 2 nets per generation")
    from search_spaces.budget import Budget
    from search_spaces.search import SearchFiles, SearchSize, search
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
    budget = Budget(
        precision=arguments.precision,
        max_latency_ms=arguments.max_latency_ms,
        max_params=arguments.max_params,
        max_macs=arguments.max_macs,
        max_energy_mj=arguments.max_energy_mj,
    )
    size = SearchSize(
        population=arguments.population,
        generations=arguments.generations,
        winners=arguments.winners,
        ranking_clips=arguments.ranking_clips,
        calibration_clips=arguments.calibration_clips,
    )
    fixed = dict(_choice(text) for text in arguments.fix)
    value = search(files, budget, levels, size, arguments.seed, fixed, arguments.minimise)
    print(summary(value))
    print(arguments.out / "frontier.json")
    if wandb is not None:
        log_search(wandb, files.checkpoint, files.out, value)
    return 0


def _choice(text: str) -> tuple[str, int | str]:
    dimension, equals, choice = text.partition("=")
    if not (dimension and equals and choice):
        raise UserError(f"--fix: got {text!r}, expected DIMENSION=CHOICE, e.g. frontend_mels=20")
    return dimension, int(choice) if choice.isdecimal() else choice


def summary(value: dict) -> str:
    """The winners of a `frontier.json` as a table, cheapest first."""
    precision = value["budget"]["precision"]
    rows = [f"{'winner':<14} {'level error':>20} {'params':>8} {'MMAC':>7} {'ms ' + precision:>8}"]
    for winner in value["winners"]:
        error, latency = winner["level_error"], winner["predicted_latency_ms"]
        shown = "unknown"
        if error["value"] is not None:
            low, high = 100 * error["low"], 100 * error["high"]
            shown = f"{100 * error['value']:.1f} % [{low:.1f}, {high:.1f}]"
        rows.append(
            f"{winner['name']:<14} {shown:>20} {winner['params']:>8} {winner['macs'] / 1e6:>7.2f}"
            f" {f'{latency[precision]:.3f}' if latency else '-':>8}"
            f"{'  best' if winner['name'] == value['best'] else ''}"
        )
    return "\n".join(rows)


def _describe(arguments: argparse.Namespace) -> int:
    from search_spaces.description import describe
    from search_spaces.space import get_space

    print(describe(get_space(arguments.space)))
    return 0


def _levels(edges: str, names: str):
    from search_spaces.ambiance import AmbianceLevels

    if not all(edge.strip().isdecimal() for edge in edges.split(",")):
        raise UserError(f"--level-edges: got {edges!r}, expected whole numbers, e.g. 1,2,5")
    return AmbianceLevels(tuple(int(edge) for edge in edges.split(",")), tuple(names.split(",")))


if __name__ == "__main__":
    sys.exit(run_command(main))
