"""`python -m lightning_modules net-trial`: one trial of an NNI experiment over nets trained alone.

The tuner's parameters are options of `fit`, e.g. ``model.pictures.cnn``; the result is the accuracy
on the labelled validation clips (docs/deepspectrum.md).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning_modules.trial import BY_HAND, digest_of, options_of, sole_run
from search_spaces.command_line import CommandParser, named_path
from search_spaces.errors import UserError


def main(argv: Sequence[str]) -> int:
    """Run one trial; started again with the same parameters, it goes on from its checkpoint.

    Raises:
        UserError: bad options or parameters, what `fit` refuses, or a supernet in training.
    """
    options, fit_options = _parser().parse_known_args(argv)
    from lightning.pytorch.callbacks import LambdaCallback

    from lightning_modules import cli
    from search_spaces import nni_experiment
    from search_spaces.frontier import read_frontier

    parameters = nni_experiment.next_parameters()
    experiment = nni_experiment.experiment_id() or BY_HAND
    folder = (options.out / experiment / digest_of(parameters)).resolve()
    with sole_run(folder):
        arguments = ["fit", *fit_options, *options_of(parameters)]
        cli.main(
            [*arguments, "--trainer.default_root_dir", str(folder)],
            callbacks=[LambdaCallback(on_fit_start=_refuse_supernet)],
        )
    path = folder / "frontier.json"
    frontier = read_frontier(path)
    headline = frontier.task.headline
    error = frontier.best.judged[headline.key].value
    if error is None:
        raise UserError(f"{path}: no validation clip's label settles the {headline.title}")
    result = {"default": 1.0 - error, headline.key: error, "frontier": str(path)}
    nni_experiment.report_final(result)
    print(json.dumps(result), flush=True)
    return 0


def _refuse_supernet(trainer: Any, module: Any) -> None:
    """Refuse it before it is trained.

    Raises:
        UserError: it is one.
    """
    if module.students.fixed is None:
        raise UserError(
            "net-trial: these options train a supernet; give model.pictures or model.architecture,"
            " or use `trial`"
        )


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="python -m lightning_modules net-trial",
        description="One trial of an NNI experiment over nets that are trained alone: train the net"
        " with the tuner's parameters, report its accuracy on the labelled validation clips. Any"
        " other option is one of `fit`, e.g. --config or --data.root.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--out",
        type=named_path,
        default=Path("runs/nni"),
        help="holds <experiment>/<trial's run folder>",
    )
    return parser
