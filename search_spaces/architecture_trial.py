"""`python -m search_spaces trial`: one trial of an NNI experiment over architectures.

The tuner chooses a net, which inherits its weights from a trained supernet and is judged as a
search judges it (`judge`). NNI is told minus its ranking error; `best_architectures` makes the
frontier of all trials.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from search_spaces import nni_experiment
from search_spaces.budget import fits
from search_spaces.errors import UserError
from search_spaces.nni_search import figure_beyond, figure_within
from search_spaces.search_options import budget_of, levels_of
from search_spaces.search_setup import SearchFiles, SearchSize, Setup, prepare


def run_trial(options: argparse.Namespace, argv: Sequence[str]) -> int:
    """Judge the net that the tuner chose, and report it.

    Args:
        options: see `search_options.add_trial_options`.
        argv: of which they were made; reported, so that the experiment's winner can be written by
            the same ones.

    Raises:
        UserError: not run by NNI, a net that is not of the supernet's space, or what `prepare`
            refuses.
    """
    parameters = nni_experiment.next_parameters()
    if nni_experiment.experiment_id() is None:
        raise UserError(
            "trial: no experiment gives it a net; start one, `nnictl create --config"
            " search_spaces/experiments/sam_architecture.yml`, or search without NNI's manager:"
            " `python -m search_spaces search --strategy evolution`"
        )
    from search_spaces.nni_adapter import architecture_of

    setup = setup_of(options, Path.cwd(), Path.cwd())
    architecture = architecture_of(setup.spec, parameters)
    price = setup.prices.of(tuple(architecture.indices(setup.spec)))
    limits, outputs = setup.budget.limits, setup.prices.num_outputs
    error = setup.judge.ranking_error(architecture) if fits(price, limits) else None
    if error is None:
        figure = figure_beyond(price, limits, outputs)
    else:
        figure = figure_within(error, outputs)
    result = {
        "default": figure,
        **price,
        "ranking_error": error,
        "architecture": architecture.to_json(),
        "key": setup.key,
        "folder": str(Path.cwd()),
        "arguments": list(argv),
    }
    nni_experiment.report_final(result)
    print(json.dumps(result), flush=True)
    return 0


def setup_of(options: argparse.Namespace, folder: Path, out: Path) -> Setup:
    """What the trials of these options work with.

    Args:
        options: see `search_options.add_trial_options`.
        folder: in which the trials ran; their paths start there.
        out: for the files of the winners.

    Raises:
        UserError: see `prepare`.
    """
    checkpoint = folder / options.checkpoint
    files = SearchFiles(
        checkpoint=checkpoint,
        clips=folder / options.clips if options.clips else checkpoint.with_name("clips.npz"),
        cost_table=folder / options.cost_table if options.cost_table else None,
        out=out,
    )
    size = SearchSize(
        winners=options.winners,
        ranking_clips=options.ranking_clips,
        calibration_clips=options.calibration_clips,
    )
    budget, levels = budget_of(options), levels_of(options)
    return prepare(files, budget, levels, size, options.seed, minimise=options.minimise)
