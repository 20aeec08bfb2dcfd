"""A study in Weights & Biases, offline: a run per row, and one with the plots; `wandb sync`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lightning_modules.study_config import Study
from lightning_modules.study_table import STAGES, figure_columns
from search_spaces.wandb_options import WandbOptions
from search_spaces.wandb_run import wandb_run

SETTINGS = (
    *("comparison", "variant", "net", "chosen_by", "budget", "labelled_clips", "protocol", "seed"),
    *("steps", "size_mmacs", "architecture", "machine", "versions"),
)


def log_row(study: Study, line: Mapping[str, str]) -> None:
    """A finished row as a run: what it was as its configuration, its figures as its summary.

    Raises:
        UserError: see `wandb_run`.
    """
    figures = {
        name: float(line[name])
        for name in (
            *figure_columns(study.task),
            "params",
            "macs",
            *(f"{stage}_seconds" for stage in STAGES),
        )
        if line.get(name)
    }
    config = {name: line[name] for name in SETTINGS}
    with wandb_run(_options(study), "row", line["row"], config) as run:
        run.summary.update(figures)


def log_report(study: Study, plots: Sequence[Path]) -> None:
    """The plots of a study as one run.

    Raises:
        UserError: see `wandb_run`.
    """
    import wandb

    with wandb_run(_options(study), "report", f"{study.name} plots", {}) as run:
        run.log({plot.stem: wandb.Image(str(plot)) for plot in plots})


def _options(study: Study) -> WandbOptions:
    return WandbOptions("offline", study.values["wandb"], study.name, study.out)
