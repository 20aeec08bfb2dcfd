"""`python -m lightning_modules net-trial`: one trial of an NNI experiment over nets trained alone.

The tuner's parameters are options of `fit`, e.g. ``model.pictures.cnn``; the result is the accuracy
on the labelled validation clips (docs/deepspectrum.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lightning_modules.trial import own_folder, report, trial_parser
from search_spaces.errors import UserError


def main(argv: Sequence[str]) -> int:
    """Run one trial; started again with the same parameters, it goes on from its checkpoint.

    Raises:
        UserError: bad options or parameters, what `fit` refuses, or a supernet in training.
    """
    options, fit_options = trial_parser(
        "net-trial",
        "One trial of an NNI experiment over nets that are trained alone: train the net with the"
        " tuner's parameters, report its accuracy on the labelled validation clips. Any other"
        " option is one of `fit`, e.g. --config or --data.root.",
    ).parse_known_args(argv)
    from lightning.pytorch.callbacks import LambdaCallback

    from lightning_modules import cli
    from search_spaces.frontier import read_frontier

    with own_folder(options.out) as (folder, chosen_options):
        cli.main(
            ["fit", *fit_options, *chosen_options],
            callbacks=[LambdaCallback(on_fit_start=_refuse_supernet)],
        )
    path = folder / "frontier.json"
    frontier = read_frontier(path)
    headline = frontier.task.headline
    error = frontier.best.judged[headline.key].value
    if error is None:
        raise UserError(f"{path}: no validation clip's label settles the {headline.title}")
    report({"default": 1.0 - error, headline.key: error, "frontier": str(path)})
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
