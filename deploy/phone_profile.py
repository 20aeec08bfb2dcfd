"""`python -m deploy profile-phone`: measure what the nets of a space cost on a phone."""

from __future__ import annotations

import argparse
import shutil
from importlib.metadata import version

from deploy import cost_table
from deploy.adb_phones import choose_phones, connect, list_phones
from deploy.cost_programs import Program, lower_programs
from deploy.cost_rounds import RawMeasurements
from deploy.engine import BACKEND, RUNTIME_NAME, runtime_version
from deploy.phone import prepare
from deploy.phone_files import ROOT
from deploy.phone_job import check_runtime
from deploy.phone_options import add_phone_arguments
from deploy.phone_pieces import METHOD, ROUNDS, PhoneBench, with_energy
from deploy.phone_runner import read_runner
from deploy.phone_session import Session, stopped_by_hand
from deploy.phone_state import PhoneState, read_state
from deploy.progress import counted_progress
from search_spaces.command_line import whole_number
from search_spaces.cost_table import build_cost_table, write_cost_table
from search_spaces.space import get_space

HELP = "measure front ends and random nets of a space on a phone, fit its cost table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    cost_table.add_arguments(parser)
    add_phone_arguments(parser)
    parser.add_argument(
        "--energy-nets",
        type=whole_number,
        default=0,
        metavar="N",
        help="front ends and whole nets, so many of each, whose energy is measured: eight minutes"
        " each (default: %(default)s, and no energy in the table)",
    )


def run(args: argparse.Namespace) -> int:
    """Lower, measure, fit, judge, write; killed or cut off and started again, it continues."""
    space = get_space(args.space)
    samples = cost_table.samples_wanted(args, space)
    runner = read_runner(args.runner)
    check_runtime("nets that this host lowers", runtime_version(), runner)
    (phone,) = choose_phones(list_phones(), args.serial, every=False)
    adb = connect(phone)
    device = _describe(read_state(adb, ROOT.rpartition("/")[0]))
    runtime = {"name": RUNTIME_NAME, "version": runner.runtime_version, "backend": BACKEND}
    kit = version("ersam-kit")
    header = {"device": device, "runtime": runtime, "kit": kit, "threads": args.threads}
    raw = RawMeasurements(args.out.with_suffix(".raw.jsonl"), header)
    programs = cost_table.list_programs(space, samples, args.precision)
    folder = args.out.with_suffix(".programs")
    with counted_progress("lowering", len(programs)) as advance:
        for _ in lower_programs(programs, folder, args.processes):
            advance()
    bench = PhoneBench(Session(adb, runner, args.out.parent), folder, args.threads)
    metered = _metered(programs, args.energy_nets)
    with stopped_by_hand(bench.session, bench.jobs):
        prepare(adb, runner, bench.files(programs))
        for number in range(ROUNDS):
            bench.time_round(programs, number, raw)
        energy = bench.measure_energy(metered)
    table = build_cost_table(
        space,
        [
            with_energy(piece, cost_table.program_keys(space, piece, args.precision), energy)
            for piece in cost_table.pieces(space, samples, args.precision, raw)
        ],
        [cost_table.whole_piece(net, args.precision, raw) for net in samples.held_out],
        device=device,
        runtime=runtime,
        threads=args.threads,
        method=METHOD,
        energy_method=energy.method,
        energy_reason=energy.reason,
    )
    write_cost_table(args.out, table)
    bench.session.clean(bench.jobs, args.keep)
    shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(cost_table.summary(table)))
    print(f"energy: {energy.reason or energy.method}\nwrote {args.out}")
    return 0


def _describe(state: PhoneState) -> dict[str, str]:
    """The ``device`` of the cost table."""
    return {
        "name": state.name,
        "cpu": state.abis[0],
        "os": f"Android API {state.sdk} {state.fingerprint}",
    }


def _metered(programs: list[Program], nets: int) -> list[Program]:
    """The first so many front ends, and the first so many whole nets at every precision."""
    frontends = [program for program in programs if program.part == "frontend"]
    wholes = [program for program in programs if program.part == "whole"]
    chosen = list(dict.fromkeys(program.architecture for program in wholes))[:nets]
    return [*frontends[:nets], *(whole for whole in wholes if whole.architecture in chosen)]
