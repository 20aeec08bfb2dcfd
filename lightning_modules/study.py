"""`python -m lightning_modules study`: one grid of trainings, one table, a row at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lightning_modules.study_check import check_settings
from lightning_modules.study_config import SHIPPED, Study, read_study
from lightning_modules.study_design import Row
from lightning_modules.study_fits import drop_clips, is_trained, train
from lightning_modules.study_grid import rows_of
from lightning_modules.study_progress import Estimate, estimate, is_finished
from lightning_modules.study_report import check_page, write_report
from lightning_modules.study_row import Shared, prepare, run_row
from lightning_modules.study_stages import StageFailedError, say
from lightning_modules.study_table import collect, machine
from lightning_modules.study_wandb import log_report, log_row
from search_spaces.command_line import CommandParser, named_path
from search_spaces.errors import EXIT_BAD_INPUT, UserError, one_line
from search_spaces.file_lock import held
from search_spaces.files import check_writable
from search_spaces.processes import minutes

MAX_FAILURES_IN_A_ROW = 3


def main(argv: Sequence[str]) -> int:
    """Run the command; see ``--help``.

    Returns:
        0, or 2 when a row failed.

    Raises:
        UserError: bad options, study, settings of `fit` or speech; a place that cannot be written,
            or a page that is another one's; a report of nothing.
    """
    options = _parser().parse_args(argv)
    study = read_study(_path(options.config))
    rows = rows_of(study)
    results = options.results or study.out / "results.md"
    check_writable(study.out, f"{study.path}: field out", folder=True)
    check_page(study, results)
    if options.report:
        _report(study, rows, results)
        return 0
    check_settings(study, rows)
    if options.dry_run:
        print(plan(study, rows))
        return 0
    with held(study.out / ".lock", f"{study.out}: another study is at work here; wait for it"):
        failed = _train_all(study, rows) if options.fits_only else _run(study, rows, results)
    return EXIT_BAD_INPUT if failed else 0


def plan(study: Study, rows: Sequence[Row]) -> str:
    """The rows as a table, and how long they take."""
    lines = [f"{'':>4} {'row':<72} {'steps':>6} {'net':<10} chosen by"]
    for row in rows:
        mark = "done" if is_finished(study.out, row) else ""
        lines.append(f"{mark:>4} {row.id:<72} {row.fit.steps:>6} {row.net:<10} {row.chosen_by}")
    known = estimate(study.out, rows, study.values["expected"])
    fits = {fit.id for row in rows for fit in row.fits}
    lines.append(
        f"{len(rows)} rows of {len(fits)} trainings, {known.done} rows done; about"
        f" {_hours(known.total_s)} in all, {_hours(known.left_s)} left"
        f" (expected on {study.values['expected']['machine']}; this is {machine()})"
    )
    return "\n".join(lines)


def _run(study: Study, rows: Sequence[Row], results: Path) -> int:
    """Run what is left and report what is finished; returns how many rows failed."""
    try:
        shared = prepare(study)
    except StageFailedError as error:
        if error.exit_code != EXIT_BAD_INPUT:
            raise
        return len(rows)  # the command itself has said why, in one line
    failed = _run_all(study, rows, shared)
    if any(is_finished(study.out, row) for row in rows):  # else an earlier page stays
        _report(study, rows, results)
    return failed


def _run_all(study: Study, rows: Sequence[Row], shared: Shared) -> int:
    """Run what is left; returns how many rows failed."""
    failed = in_a_row = 0
    for at, row in enumerate(rows):
        if is_finished(study.out, row):
            continue
        _say_progress(estimate(study.out, rows, study.values["expected"]), len(rows), row.id)
        try:
            run_row(row, shared)
        except UserError as error:
            say(f"error: {one_line(str(error))}; going on with the next row")
            failed, in_a_row = failed + 1, in_a_row + 1
            if in_a_row == MAX_FAILURES_IN_A_ROW:
                raise UserError(
                    f"{in_a_row} rows failed one after the other; see what they say above, then"
                    " give the same command again"
                ) from error
            continue
        in_a_row = 0
        table = collect(study.task, study.out, rows)
        if "wandb" in study.values:
            log_row(study, next(line for line in table if line["row"] == row.id))
        _drop_clips(study.out, rows, row, later=rows[at + 1 :])
    say(f"{len(rows) - failed} of {len(rows)} rows done, {failed} failed")
    return failed


def _train_all(study: Study, rows: Sequence[Row]) -> int:
    """Train what needs no net of another row; returns how many trainings failed."""
    failed = 0
    for row in rows:
        if is_finished(study.out, row) or any(fit.like is not None for fit in row.fits):
            continue
        try:
            for fit in row.fits:
                if not is_trained(study.out, fit):
                    known = estimate(study.out, rows, study.values["expected"])
                    _say_progress(known, len(rows), fit.id)
                    train(study.out, fit)
        except UserError as error:
            say(f"error: {one_line(str(error))}; going on with the next one")
            failed += 1
    return failed


def _drop_clips(out: Path, rows: Sequence[Row], row: Row, later: Sequence[Row]) -> None:
    """Free the disk of the clips that no row to come needs."""
    needed = {fit.id for other in later for fit in other.fits}
    needed |= {fit.id for other in rows if not is_finished(out, other) for fit in other.fits}
    for fit in row.fits:
        if fit.id not in needed:
            drop_clips(out, fit)


def _report(study: Study, rows: Sequence[Row], results: Path) -> None:
    """Write the table and the plots of what is finished.

    Raises:
        UserError: nothing is; an empty page would replace what an earlier one says.
    """
    if not any(is_finished(study.out, row) for row in rows):
        raise UserError(
            f"{study.out}: none of the {len(rows)} rows of study {study.name} is finished; run it"
            " first, without --report"
        )
    table = collect(study.task, study.out, rows)
    plots = write_report(study, len(rows), table, results)
    if "wandb" in study.values:
        log_report(study, plots)
    print(results)


def _say_progress(known: Estimate, total: int, name: str) -> None:
    gone = _hours(known.total_s - known.left_s)
    say(
        f"[{known.done} of {total} rows done, {total - known.done} left; {gone} gone,"
        f" about {_hours(known.left_s)} left] {name}"
    )


def _hours(seconds: float) -> str:
    return minutes(seconds) if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _path(name: str) -> Path:
    shipped = {path.stem: path for path in SHIPPED.glob("*.yaml")}
    if name not in shipped and not Path(name).is_file():
        raise UserError(f"--config {name}: expected {', '.join(sorted(shipped))} or a YAML file")
    return shipped.get(name, Path(name))


def _parser() -> CommandParser:
    parser = CommandParser(prog="python -m lightning_modules study", description=__doc__)
    add = parser.add_argument
    add("--config", required=True, help="YAML of a study, or the name of a shipped one")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--dry-run",
        action="store_true",
        help="check it and its data, and print the rows with their time",
    )
    what.add_argument(
        "--report", action="store_true", help="write the table and the plots of what is done"
    )
    what.add_argument(
        "--fits-only",
        action="store_true",
        help="train, and leave the rest to a machine that has ExecuTorch",
    )
    add(
        "--results",
        type=named_path,
        help="Markdown file to write (default: results.md of the study)",
    )
    return parser
