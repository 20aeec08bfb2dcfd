"""What training tells Weights & Biases beside metrics: settings, nets by size, artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from lightning_modules.export import SUPERNET, datamodule
from lightning_modules.module import SupernetModule
from lightning_modules.wandb_logger import PrivateWandbLogger
from search_spaces.cost import costs
from search_spaces.wandb_artifacts import (
    json_bytes,
    new_artifact,
    supernet_artifact,
    use_artifact,
)
from search_spaces.wandb_options import SUBNET_TABLE

SIZE_COLUMNS = ("net", "params", "macs")  # and the first two figures that the task is judged by


class WandbLineage(pl.Callback):
    """Logs settings at the start; at the end the error by size of net, speech and supernet.

    Args:
        logger: whose run it is.
    """

    def __init__(self, logger: PrivateWandbLogger) -> None:
        self.logger = logger

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Log what the run depends on."""
        if trainer.is_global_zero:
            config = {"settings": pl_module.settings(), "data": datamodule(trainer).provenance()}
            self.logger.experiment.config.update(config)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Log what the run made; `ExportSupernet` comes before."""
        if not trainer.is_global_zero:
            return
        import wandb

        run, provenance = self.logger.experiment, datamodule(trainer).provenance()
        rows = subnet_rows(trainer, pl_module)
        if rows:
            columns: list[str | int] = [*SIZE_COLUMNS, *_figures(pl_module)]
            run.log({SUBNET_TABLE: wandb.Table(columns=columns, data=rows)})
        if "speech" in provenance:
            described = {key: provenance[key] for key in ("speech", "readers", "protocol")}
            content: dict[str, Path | bytes] = {"speech.json": json_bytes(described)}
            use_artifact(run, new_artifact("speech", "speech", content, described["speech"]))
        supernet = Path(trainer.default_root_dir) / SUPERNET
        if supernet.exists():
            run.log_artifact(supernet_artifact(supernet, {"steps": trainer.global_step}))


def subnet_rows(trainer: pl.Trainer, module: SupernetModule) -> list[list[Any]]:
    """A row of `SIZE_COLUMNS` and figures for each net that the last validation judged."""
    judged, rows = trainer.callback_metrics, []
    for name, architecture in module.students.judged().items():
        found = [judged.get(f"val/{key}/{name}") for key in _figures(module)]
        if found[0] is None:
            continue
        cost = costs(architecture, module.students.num_outputs)
        figures = [None if figure is None else figure.item() for figure in found]
        rows.append([name, cost.params, cost.macs, *figures])
    return rows


def _figures(module: SupernetModule) -> list[str]:
    return [metric.key for metric in module.task.judged_by[:2]]
