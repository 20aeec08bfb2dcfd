"""What training tells Weights & Biases beside metrics: settings, nets by size, artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl

from lightning_modules.datamodule_base import StreamDataModule
from lightning_modules.export import SUPERNET, datamodule
from lightning_modules.module import SupernetModule
from lightning_modules.wandb_logger import PrivateWandbLogger
from search_spaces.cost import costs
from search_spaces.wandb_artifacts import (
    frontier_artifact,
    json_bytes,
    new_artifact,
    supernet_artifact,
    use_artifact,
)
from search_spaces.wandb_options import SUBNET_TABLE

if TYPE_CHECKING:
    import wandb

FRONTIER = "frontier.json"  # of a net that is trained alone
RECORDINGS = ("recordings", "skipped_recordings", "hours", "speakers")  # of any task but counts
SIZE_COLUMNS = ("net", "params", "macs")  # and the first two figures that the task is judged by


class WandbLineage(pl.Callback):
    """Logs settings at the start; at the end the error by size of net, what it read and made.

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

        run, data = self.logger.experiment, datamodule(trainer)
        rows = subnet_rows(trainer, pl_module)
        if rows:
            columns: list[str | int] = [*SIZE_COLUMNS, *_figures(pl_module)]
            run.log({SUBNET_TABLE: wandb.Table(columns=columns, data=rows)})
        use_artifact(run, data_artifact(data))
        folder = Path(trainer.default_root_dir)
        if pl_module.students.fixed is None:
            if (folder / SUPERNET).exists():
                steps = {"steps": trainer.global_step}
                run.log_artifact(supernet_artifact(folder / SUPERNET, steps))
        elif (folder / FRONTIER).exists():  # which `lower` reads as a search's
            run.log_artifact(frontier_artifact(folder / FRONTIER))


def data_artifact(data: StreamDataModule) -> wandb.Artifact:
    """What the run learned from, as a summary without any name of people, files or folders."""
    provenance = data.provenance()
    if "speech" in provenance:
        described = {key: provenance[key] for key in ("speech", "readers", "protocol")}
        return _summary("speech", described, described["speech"])
    described = {key: provenance[key] for key in RECORDINGS}
    described["sounds_sha256"] = data.sounds_sha256()
    return _summary("recordings", described, described)


def _summary(kind: str, described: dict[str, Any], metadata: dict[str, Any]) -> wandb.Artifact:
    content: dict[str, Path | bytes] = {f"{kind}.json": json_bytes(described)}
    return new_artifact(kind, kind, content, metadata)


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
