"""The flags of a search: its budget, its size and the levels; the same for every command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from search_spaces.command_line import (
    CommandParser,
    named_path,
    positive_number,
    whole_number_within,
)
from search_spaces.errors import UserError
from search_spaces.nni_strategies import NNI_STRATEGIES

# Beyond these a search would take months, or memory that no machine has.
_nets = whole_number_within(1, 10_000)
_clips = whole_number_within(1, 1_000_000)
_seed = whole_number_within(0, 2**32 - 1)  # the widest that NNI's strategies take

if TYPE_CHECKING:
    from search_spaces.ambiance import AmbianceLevels
    from search_spaces.budget import Budget
    from search_spaces.search_setup import SearchSize


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a whole search; `budget_of`, `size_of` and `levels_of` read them."""
    add_judging_options(parser)
    parser.add_argument(
        "--fix",
        nargs="+",
        default=[],
        metavar="DIMENSION=CHOICE",
        help="search only nets with these choices, e.g. frontend_mels=20",
    )
    size = parser.add_argument_group("size of the search")
    size.add_argument(
        "--population",
        type=whole_number_within(2, 10_000),
        default=20,
        help="nets of a generation",
    )
    size.add_argument("--generations", type=_nets, default=5, help="of nets, the first is random")
    size.add_argument(
        "--strategy",
        choices=("nsga2", *NNI_STRATEGIES),
        default="nsga2",
        help="the last three are NNI's own",
    )


def add_trial_options(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a trial that judges one net (`architecture_trial`)."""
    add_input_options(parser)
    add_judging_options(parser)


def parse_trial(argv: Sequence[str]) -> argparse.Namespace:
    """The flags that a trial reported."""
    parser = CommandParser(prog="python -m search_spaces trial")
    add_trial_options(parser)
    return parser.parse_args(argv)


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add the flags of what a training wrote."""
    parser.add_argument("--checkpoint", required=True, type=named_path, help="supernet.pt of `fit`")
    parser.add_argument(
        "--clips", type=named_path, help="clips.npz (default: beside the checkpoint)"
    )


def add_judging_options(parser: argparse.ArgumentParser) -> None:
    """Add the flags by which nets are judged and winners chosen, however they are come upon."""
    parser.add_argument("--cost-table", type=named_path, help="of the target: `deploy cost-table`")
    budget = parser.add_argument_group("budget, for one clip; front end included")
    budget.add_argument(
        "--precision", choices=("fp32", "int8"), default="int8", help="of predicted costs"
    )
    budget.add_argument("--max-latency-ms", type=positive_number, help="needs --cost-table")
    budget.add_argument("--max-params", type=positive_number, help="weights of the net")
    budget.add_argument("--max-macs", type=positive_number, help="multiply-accumulates")
    budget.add_argument("--max-energy-mj", type=positive_number, help="needs a table with energy")
    parser.add_argument(
        "--minimise",
        nargs="+",
        default=[],
        choices=("latency_ms", "params", "macs", "energy_mj"),
        help="costs to minimise beside the error (default: latency, params, energy if known)",
    )
    size = parser.add_argument_group("clips that judge, and winners")
    size.add_argument("--winners", type=_nets, default=4, help="with weights")
    size.add_argument(
        "--ranking-clips", type=_clips, default=200, help="validation clips that rank, at most"
    )
    size.add_argument(
        "--calibration-clips", type=_clips, default=96, help="that set batch norm while ranking"
    )
    parser.add_argument("--seed", type=_seed, default=0, help="same seed, same search")
    levels = parser.add_argument_group("levels of social ambiance")
    levels.add_argument("--level-edges", default="1,2,5", help="people at which a level begins")
    levels.add_argument("--level-names", default="none,one,some,active", help="of these levels")


def budget_of(arguments: argparse.Namespace) -> Budget:
    """The limits that were asked for."""
    from search_spaces.budget import Budget

    return Budget(
        precision=arguments.precision,
        max_latency_ms=arguments.max_latency_ms,
        max_params=arguments.max_params,
        max_macs=arguments.max_macs,
        max_energy_mj=arguments.max_energy_mj,
    )


def size_of(arguments: argparse.Namespace) -> SearchSize:
    """How much is to be looked at."""
    from search_spaces.search_setup import SearchSize

    return SearchSize(
        population=arguments.population,
        generations=arguments.generations,
        winners=arguments.winners,
        ranking_clips=arguments.ranking_clips,
        calibration_clips=arguments.calibration_clips,
        strategy=arguments.strategy,
    )


def fixed_of(arguments: argparse.Namespace) -> dict[str, int | str]:
    """The choices that every net must make.

    Raises:
        UserError: an argument that is no DIMENSION=CHOICE, or two for one dimension.
    """
    fixed: dict[str, int | str] = {}
    for dimension, choice in map(_choice, arguments.fix):
        if dimension in fixed:
            raise UserError(
                f"--fix: {dimension} is given twice, {fixed[dimension]} and {choice}; give it once"
            )
        fixed[dimension] = choice
    return fixed


def levels_of(arguments: argparse.Namespace) -> AmbianceLevels:
    """The levels of ambiance.

    Raises:
        UserError: edges that are no whole numbers, or do not fit the names.
    """
    from search_spaces.ambiance import AmbianceLevels

    edges = arguments.level_edges
    if not all(edge.strip().isdecimal() for edge in edges.split(",")):
        raise UserError(f"--level-edges: got {edges!r}, expected whole numbers, e.g. 1,2,5")
    names = tuple(arguments.level_names.split(","))
    return AmbianceLevels(tuple(int(edge) for edge in edges.split(",")), names)


def _choice(text: str) -> tuple[str, int | str]:
    dimension, equals, choice = text.partition("=")
    if not (dimension and equals and choice):
        raise UserError(f"--fix: got {text!r}, expected DIMENSION=CHOICE, e.g. frontend_mels=20")
    return dimension, int(choice) if choice.isdecimal() else choice
