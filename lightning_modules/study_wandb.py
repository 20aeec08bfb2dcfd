"""A study in Weights & Biases, offline: a run per row, and one with the plots; `wandb sync`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lightning_modules.study_config import Study
from lightning_modules.study_table import STAGES, figure_columns

SETTINGS = (
    *("comparison", "variant", "net", "chosen_by", "budget", "labelled_clips", "protocol", "seed"),
    *("steps", "size_mmacs", "architecture", "machine", "versions"),
)


def log_row(study: Study, line: Mapping[str, str]) -> None:
    """A finished row as a run: what it was as its configuration, its figures as its summary."""
    import wandb

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
    with wandb.init(
        project=study.values["wandb"],
        group=study.name,
        name=line["row"],
        job_type="row",
        mode="offline",
        dir=str(study.out),
        config={name: line[name] for name in SETTINGS},
        settings=wandb.Settings(silent=True),
    ) as run:
        run.summary.update(figures)


def log_report(study: Study, plots: Sequence[Path]) -> None:
    """The plots of a study as one run."""
    import wandb

    with wandb.init(
        project=study.values["wandb"],
        group=study.name,
        name=f"{study.name} plots",
        job_type="report",
        mode="offline",
        dir=str(study.out),
        settings=wandb.Settings(silent=True),
    ) as run:
        run.log({plot.stem: wandb.Image(str(plot)) for plot in plots})
