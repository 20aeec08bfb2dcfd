"""`python -m deploy cost-table`: measure what the nets of a space cost on this host."""

from __future__ import annotations

import argparse
import os
import shutil
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path

from deploy.cost_programs import Part, Program, lower_programs
from deploy.cost_rounds import METHOD, ROUNDS, RawMeasurements, time_rounds
from deploy.cost_samples import CostSamples, draw_samples
from deploy.device import NO_METER, describe_device
from deploy.engine import BACKEND, MOST_THREADS, RUNTIME_NAME
from deploy.progress import counted_progress
from search_spaces.architecture import Architecture, smallest
from search_spaces.command_line import (
    named_path,
    positive_whole_number,
    whole_number,
    whole_number_within,
)
from search_spaces.cost_table import (
    PRECISIONS,
    CostTable,
    Piece,
    build_cost_table,
    write_cost_table,
)
from search_spaces.file_lock import held
from search_spaces.files import check_writable
from search_spaces.space import Choice, SpaceSpec
from search_spaces.spaces import get_space

HELP = "measure front ends and random nets of a space, fit a cost table, report its error"
SUBNETS, HOLDOUT = 120, 30
QUICK_SUBNETS, QUICK_HOLDOUT = 5, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command, which `profile-phone` has as well."""
    parser.add_argument("--space", required=True, help="name of the space, e.g. sam-lite")
    parser.add_argument("--out", type=named_path, required=True, help="cost_table.json to write")
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=PRECISIONS,
        default=list(PRECISIONS),
        help="default: %(default)s",
    )
    parser.add_argument(
        "--threads",
        type=whole_number_within(1, MOST_THREADS),
        default=1,
        help="default: %(default)s",
    )
    parser.add_argument(
        "--subnets",
        type=positive_whole_number,
        help=f"random nets to fit (default: {SUBNETS})",
    )
    parser.add_argument(
        "--holdout",
        type=whole_number,
        help=f"random nets that only judge the fit (default: {HOLDOUT})",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_SUBNETS} nets and {QUICK_HOLDOUT} held out: shows the way, predicts badly",
    )
    parser.add_argument("--seed", type=whole_number, default=0, help="default: %(default)s")
    parser.add_argument(
        "--processes",
        type=positive_whole_number,
        default=os.cpu_count() or 1,
        help="that lower nets before any is timed (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Lower, measure, fit, judge, write; killed and started again, it continues."""
    space = get_space(args.space)
    samples = samples_wanted(args, space)
    check_writable(args.out, "--out")
    with sole_writer(args.out):
        table = _measure_and_write(args, space, samples)
    print("\n".join(summary(table)))
    print(f"wrote {args.out}")
    return 0


def sole_writer(out: Path) -> AbstractContextManager[None]:
    """Keep other commands from a table and from what lies beside it until the block ends.

    Raises:
        UserError: another command writes them.
    """
    refusal = f"--out {out}: another command is writing it; wait for that or name another file"
    # Named like what lies beside the table, which two tables that differ in their suffix share.
    return held(out.with_name(f".{out.stem}.lock"), refusal)


def _measure_and_write(
    args: argparse.Namespace, space: SpaceSpec, samples: CostSamples
) -> CostTable:
    device = describe_device()
    runtime = {"name": RUNTIME_NAME, "version": version(RUNTIME_NAME), "backend": BACKEND}
    header = {
        "device": device,
        "runtime": runtime,
        "kit": version("ersam-kit"),
        "threads": args.threads,
    }
    raw = RawMeasurements(args.out.with_suffix(".raw.jsonl"), header)
    programs = list_programs(space, samples, args.precision)
    folder = args.out.with_suffix(".programs")
    measure(programs, folder, raw, args.threads, args.processes)
    table = build_cost_table(
        space,
        pieces(space, samples, args.precision, raw),
        [whole_piece(net, args.precision, raw) for net in samples.held_out],
        device=device,
        runtime=runtime,
        threads=args.threads,
        method=METHOD,
        energy_reason=NO_METER,
    )
    write_cost_table(args.out, table)
    shutil.rmtree(folder, ignore_errors=True)
    return table


def samples_wanted(args: argparse.Namespace, space: SpaceSpec) -> CostSamples:
    """The nets that the options ask for.

    Raises:
        UserError: see `draw_samples`.
    """
    return draw_samples(
        space,
        args.subnets or (QUICK_SUBNETS if args.quick else SUBNETS),
        (QUICK_HOLDOUT if args.quick else HOLDOUT) if args.holdout is None else args.holdout,
        args.seed,
    )


def list_programs(space: SpaceSpec, samples: CostSamples, precisions: list[str]) -> list[Program]:
    """Every file to lower and time."""
    frontends = [
        Program("frontend", _with_frontend(space, choices), precision)
        for choices in samples.frontends
        for precision in precisions
    ]
    wholes = [
        Program("whole", net, precision)
        for net in (*samples.fitted, *samples.held_out)
        for precision in precisions
    ]
    return [*frontends, *wholes]


def measure(
    programs: list[Program], folder: Path, raw: RawMeasurements, threads: int, processes: int
) -> None:
    """Lower all first, then time, so that nothing else runs while timing."""
    missing = [program for program in programs if not raw.complete(program.key)]
    with counted_progress("lowering", len(missing)) as advance:
        for _ in lower_programs(missing, folder, processes):
            advance()
    with counted_progress("timing", len(missing) * ROUNDS) as advance:
        for _ in time_rounds(missing, folder, raw, threads):
            advance()


def pieces(
    space: SpaceSpec, samples: CostSamples, precisions: list[str], raw: RawMeasurements
) -> list[Piece]:
    """What the table is fitted to."""
    frontends = []
    for choices in samples.frontends:
        net = _with_frontend(space, choices)
        frontends.append(Piece("frontend", choices, _latency_ms("frontend", net, precisions, raw)))
    return [*frontends, *(whole_piece(net, precisions, raw) for net in samples.fitted)]


def program_keys(space: SpaceSpec, piece: Piece, precisions: list[str]) -> dict[str, str]:
    """Key of the program that was timed for a piece, by precision; see `list_programs`."""
    if piece.part == "frontend":
        net = _with_frontend(space, piece.choices)
    else:
        net = Architecture(space.name, space.version, piece.choices)
    return {precision: Program(piece.part, net, precision).key for precision in precisions}


def summary(table: CostTable) -> list[str]:
    """One line per precision on the error against nets that the fit has not seen."""
    lines = []
    for precision in PRECISIONS:
        if table.has("latency_ms", precision):
            judged = table.held_out("latency_ms", precision)
            if judged is None:
                lines.append(f"{precision}: not judged, fewer than two nets were held out")
                continue
            rank = "undefined" if judged.spearman is None else f"{judged.spearman:.3f}"
            lines.append(
                f"{precision}: {100 * judged.within_10_percent:.0f} % of {judged.subnets} unseen"
                f" nets within 10 %, Spearman {rank}, median error"
                f" {100 * judged.median_relative_error:.1f} %"
            )
    return lines


def whole_piece(net: Architecture, precisions: list[str], raw: RawMeasurements) -> Piece:
    """A whole net with its measured figures."""
    return Piece("whole", dict(net.choices), _latency_ms("whole", net, precisions, raw))


def _latency_ms(
    part: Part, net: Architecture, precisions: list[str], raw: RawMeasurements
) -> dict[str, float]:
    return {
        precision: raw.latency_ms(Program(part, net, precision).key) for precision in precisions
    }


def _with_frontend(space: SpaceSpec, choices: dict[str, Choice]) -> Architecture:
    """The smallest net of the space with this front end."""
    return Architecture(space.name, space.version, {**smallest(space).choices, **choices})
