"""Metrics as CSV in the run folder: every step once, also after a kill and a resume."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from search_spaces.errors import UserError
from search_spaces.files import atomic_path


class StepCsvLogger(Logger):
    """Logs to a CSV file: one row per step, a column per metric, empty where there is none.

    Lightning's CSVLogger deletes the file of an earlier run. This one keeps its rows up to the
    first step that is logged again: those after the checkpoint are dropped, a resume repeats them.

    Args:
        path: of the file, e.g. ``metrics.csv`` in the run folder.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.rows: dict[int, dict[str, str]] | None = None

    @property
    def name(self) -> str:
        """None: Lightning puts what it saves into a folder of this name within the run folder."""
        return ""

    @property
    def version(self) -> str:
        """None is counted."""
        return ""

    @property
    def log_dir(self) -> str:
        """The run folder."""
        return str(self.path.parent)

    save_dir = log_dir

    @property
    @rank_zero_experiment
    def experiment(self) -> StepCsvLogger:
        """Itself."""
        return self

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: `config.yaml` holds them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add metrics to the row of ``step``."""
        if step is None:
            raise ValueError("step: got None, expected a number")
        if self.rows is None:
            self.rows = {number: row for number, row in self._read().items() if number < step}
        row = self.rows.setdefault(step, {})
        # Single precision is what the values were computed in; its shortest form is exact.
        row.update({name: str(np.float32(value)) for name, value in metrics.items()})

    @rank_zero_only
    def save(self) -> None:
        """Write the file, atomically."""
        if self.rows is None:
            return
        columns = sorted({name for row in self.rows.values() for name in row})
        with (
            atomic_path(self.path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as stream,
        ):
            writer = csv.DictWriter(stream, ["step", *columns], lineterminator="\n")
            writer.writeheader()
            writer.writerows({"step": step, **row} for step, row in sorted(self.rows.items()))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is left."""
        self.save()

    def _read(self) -> dict[int, dict[str, str]]:
        if not self.path.exists():
            return {}
        try:
            with self.path.open(newline="", encoding="utf-8") as stream:
                rows = [{k: v for k, v in row.items() if k and v} for row in csv.DictReader(stream)]
            return {int(row.pop("step")): row for row in rows}
        except (KeyError, ValueError, csv.Error):  # as a spreadsheet saves it
            raise UserError(
                f"{self.path}: not as it was written; put that back, or move it away"
            ) from None
