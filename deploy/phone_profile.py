"""`python -m deploy profile-phone`: measure what the nets of a space cost on phones."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence

from deploy import cost_table
from deploy.adb_phones import ListedPhone, choose_phones, list_phones
from deploy.cost_programs import lower_programs
from deploy.engine import runtime_version
from deploy.merge_cost_tables import add_tolerance
from deploy.phone_job import check_runtime
from deploy.phone_options import add_phone_arguments, check_choice
from deploy.phone_profile_all import profile_all
from deploy.phone_profile_one import Plan, begin, measure
from deploy.phone_runner import read_runner
from deploy.phone_session import stopped_by_hand
from deploy.progress import counted_progress
from search_spaces.command_line import whole_number
from search_spaces.files import check_writable
from search_spaces.spaces import get_space

HELP = "measure front ends and random nets of a space on phones, fit their cost table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    cost_table.add_arguments(parser)
    add_phone_arguments(parser)
    parser.add_argument(
        "--all",
        action="store_true",
        help="every phone at once; a folder of each phone beside --out, and one of each model with"
        " the table of its phones",
    )
    add_tolerance(parser)
    parser.add_argument(
        "--energy-nets",
        type=whole_number,
        default=0,
        metavar="N",
        help="front ends and whole nets, so many of each, whose energy is measured: nine minutes"
        " each (default: %(default)s, and no energy in the table)",
    )


def run(args: argparse.Namespace) -> int:
    """Lower, measure, fit, judge, write; killed or cut off and started again, it continues."""
    check_choice(args)
    space = get_space(args.space)
    samples = cost_table.samples_wanted(args, space)
    check_writable(args.out, "--out")
    runner = read_runner(args.runner)
    check_runtime("nets that this host lowers", runtime_version(), runner)
    phones = choose_phones(list_phones(), args.serial, args.all)
    plan = Plan(
        space=space,
        samples=samples,
        precisions=args.precision,
        threads=args.threads,
        energy_nets=args.energy_nets,
        runner=runner,
        programs_folder=args.out.with_suffix(".programs"),
        keep=args.keep,
    )
    with cost_table.sole_writer(args.out):
        code = _measure(phones, plan, args)
        if code == 0:
            shutil.rmtree(plan.programs_folder, ignore_errors=True)
    return code


def _measure(phones: Sequence[ListedPhone], plan: Plan, args: argparse.Namespace) -> int:
    if args.all:
        return profile_all(phones, plan, args.out, args.tolerance, lambda: _lower(plan, args))
    work = begin(phones[0], plan, args.out)
    _lower(plan, args)
    with stopped_by_hand(work.bench.session, work.bench.jobs):
        table = measure(work, plan)
    print("\n".join(cost_table.summary(table)))
    print(f"energy: {table.energy['reason'] or table.energy['method']}\nwrote {args.out}")
    return 0


def _lower(plan: Plan, args: argparse.Namespace) -> None:
    programs = plan.programs()
    with counted_progress("lowering", len(programs)) as advance:
        for _ in lower_programs(programs, plan.programs_folder, args.processes):
            advance()
