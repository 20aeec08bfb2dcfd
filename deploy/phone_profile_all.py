"""`profile-phone --all`: every phone at once, and the tables of one model merged."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from rich.progress import Progress

from deploy.adb import file_name
from deploy.adb_phones import ListedPhone
from deploy.cost_merge import Tables
from deploy.merge_cost_tables import write_merged
from deploy.phone_profile_one import Plan, Work, begin, measure
from deploy.progress import stderr_progress
from search_spaces.cost_table import CostTable, write_cost_table
from search_spaces.errors import EXIT_BAD_INPUT, UserError, complain


def profile_all(
    phones: Sequence[ListedPhone],
    plan: Plan,
    out: Path,
    tolerance: float,
    lower: Callable[[], None],
) -> int:
    """Measure on all phones at once; a phone that fails stops no other.

    Each phone's table is ``<serial>/<out>`` in the folder of ``out``, and the table of a model's
    phones ``<model>/<out>``: the median of them, or the only one's.

    Args:
        phones: all that adb sees.
        plan: what is measured.
        out: name of the tables, and the folder.
        tolerance: share beyond which a piece on which two phones differ is named.
        lower: makes the programs, once for all phones.

    Returns:
        The exit code: not 0 if a phone failed, which leaves nothing merged, or if phones of one
        model cannot be merged.
    """
    progress = stderr_progress()
    works = _begin(phones, plan, out, progress)
    if works:
        lower()
    with progress:
        tables = _measure(works, plan)
    missing = len(phones) - len(tables)
    if missing:
        complain(
            f"{missing} of {len(phones)} phones failed, nothing is merged; the same command goes on"
            " with them, or `python -m deploy merge-cost-tables` takes what there is"
        )
        return EXIT_BAD_INPUT
    by_model: dict[str, dict[str, CostTable]] = defaultdict(dict)
    for serial, table in tables.items():
        by_model[table.device["name"]][serial] = table
    merged = [_write_model(model, same, out, tolerance) for model, same in by_model.items()]
    return 0 if all(merged) else EXIT_BAD_INPUT


def _begin(phones: Sequence[ListedPhone], plan: Plan, out: Path, progress: Progress) -> list[Work]:
    works = []
    for phone in phones:
        try:
            folder = out.parent / file_name(phone.serial)
            works.append(begin(phone, plan, folder / out.name, progress))
        except UserError as error:
            complain(error)
    return works


def _measure(works: Sequence[Work], plan: Plan) -> dict[str, CostTable]:
    """Tables by serial, of the phones that did not fail; Ctrl-C stops the jobs on all of them."""
    tables = {}

    def one(work: Work) -> None:
        try:
            tables[work.adb.serial] = measure(work, plan)
        except UserError as error:
            complain(error)

    with ThreadPoolExecutor(max(1, len(works))) as pool:
        running = [pool.submit(one, work) for work in works]
        try:
            wait(running)
        except KeyboardInterrupt:
            for work in works:
                print(f"phone {work.adb.serial}: stopping the job", file=sys.stderr)
                work.bench.stopped.set()
            _abandon(works)
            wait(running)
            _abandon(works)  # what a thread still pushed meanwhile
            raise
    for future in running:
        future.result()  # what is no UserError is a bug of ours
    return {work.adb.serial: tables[work.adb.serial] for work in works if work.adb.serial in tables}


def _abandon(works: Sequence[Work]) -> None:
    for work in works:
        work.bench.session.abandon(work.bench.jobs)


def _write_model(model: str, tables: Tables, out: Path, tolerance: float) -> bool:
    """Write the table of a model's phones; whether they could be merged."""
    path = out.parent / file_name(model) / out.name
    if len(tables) == 1:
        write_cost_table(path, next(iter(tables.values())))
        print(f"{model}: 1 phone\nwrote {path}")
        return True
    try:
        write_merged(tables, path, tolerance)
    except UserError as error:
        complain(error)
        return False
    return True
