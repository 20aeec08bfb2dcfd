"""`python -m lightning_modules trial`: one trial of an NNI experiment, from recipe to frontier.

The tuner's parameters are options of `fit`: it trains a supernet with them, searches its frontier
under the budget, and reports the frontier's hypervolume.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search_spaces.command_line import CommandParser, named_path
from search_spaces.errors import UserError
from search_spaces.files import sha256_json
from search_spaces.search_options import (
    add_search_options,
    budget_of,
    fixed_of,
    levels_of,
    size_of,
)

BY_HAND = "by-hand"  # in place of an experiment's id


def main(argv: Sequence[str]) -> int:
    """Run one trial; started again with the same parameters, it goes on from its checkpoint.

    Raises:
        UserError: bad options or parameters, or what `fit` and `search` refuse.
    """
    options, fit_options = _parser().parse_known_args(argv)
    budget, levels, size = budget_of(options), levels_of(options), size_of(options)
    fixed = fixed_of(options)
    from lightning_modules import cli
    from lightning_modules.export import CLIPS, SUPERNET
    from lightning_modules.trial_reports import ReportEpochs
    from search_spaces.search import search
    from search_spaces.search_setup import SearchFiles

    with own_folder(options.out) as (folder, chosen_options):
        reports = ReportEpochs(budget, options.cost_table, options.minimise)
        cli.main(["fit", *fit_options, *chosen_options], callbacks=[reports])
        files = SearchFiles(
            folder / SUPERNET, folder / CLIPS, options.cost_table, folder / "search"
        )
        frontier = search(files, budget, levels, size, options.seed, fixed, options.minimise)
    report(reports.final(frontier, files.out / "frontier.json"))
    return 0


@contextmanager
def own_folder(out: Path) -> Iterator[tuple[Path, list[str]]]:
    """The trial's run folder below ``out``, held by `sole_run`, and what the tuner chose as options
    of `fit`, the folder among them."""
    from search_spaces import nni_experiment

    parameters = nni_experiment.next_parameters()
    experiment = nni_experiment.experiment_id() or BY_HAND
    folder = (out / experiment / digest_of(parameters)).resolve()
    with sole_run(folder):
        yield folder, [*options_of(parameters), "--trainer.default_root_dir", str(folder)]


def report(result: Mapping[str, Any]) -> None:
    """Give NNI the trial's result, and print it."""
    from search_spaces import nni_experiment

    nni_experiment.report_final(result)
    print(json.dumps(result), flush=True)


def digest_of(parameters: Mapping[str, Any]) -> str:
    """Name of the run folder: a rescheduled trial has another id, but the same parameters."""
    return sha256_json(parameters)[:12]


def options_of(parameters: Mapping[str, Any]) -> list[str]:
    """The tuner's parameters as options of `fit`, e.g. ``--model.ema_decay=0.99``."""
    return [
        f"--{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in parameters.items()
    ]


@contextmanager
def sole_run(folder: Path) -> Iterator[None]:
    """Hold ``folder``, or wait until the trial that holds it has ended; the system lets go of it.

    Tuners may give two trials at once the same parameters; the second finds the first's result.

    Raises:
        UserError: a further process of one trial, which the first would wait for and it for the
            first.
    """
    if int(os.environ.get("LOCAL_RANK", 0)) > 0:
        raise UserError("trainer.devices: a trial trains in one process; leave it at 1")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".trial.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another trial in {folder}", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def trial_parser(command: str, description: str) -> CommandParser:
    """The parser of a command that runs a trial, with ``--out``."""
    parser = CommandParser(
        prog=f"python -m lightning_modules {command}",
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--out",
        type=named_path,
        default=Path("runs/nni"),
        help="holds <experiment>/<trial's run folder>",
    )
    return parser


def _parser() -> CommandParser:
    parser = trial_parser(
        "trial",
        "One trial of an NNI experiment (docs/nnictl.md): train a supernet with the tuner's"
        " parameters, search its frontier under the budget, report the frontier's hypervolume. Any"
        " other option is one of `fit`, e.g. --config or --data.speech.",
    )
    add_search_options(parser)
    return parser
