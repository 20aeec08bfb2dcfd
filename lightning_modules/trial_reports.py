"""What a trial tells NNI: after each epoch, and at its end.

An epoch's figure is the hypervolume of the three nets that a validation judges, in the same box as
that of the final frontier. NNI gives the last figure of a stopped trial to the tuner as if it were
a result, so it must be of the result's kind and no larger than the result is likely to be.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from search_spaces import nni_experiment
from search_spaces.budget import Budget, Prices, check_budget
from search_spaces.cost_table import read_cost_table
from search_spaces.frontier_volume import (
    dominated_volume,
    frontier_volume,
    volume_limits,
)
from search_spaces.outcome import objective_axes
from search_spaces.task_json import read_task


class ReportEpochs(pl.Callback):
    """Reports each validation to NNI.

    A trial that goes on from a checkpoint first repeats what it reported before it was killed: to
    NNI it is a new trial, and assessors compare trials by the number of their reports.

    Args:
        budget: limits of the frontier.
        cost_table: predicts latency; None without.
        minimise: costs that are objectives of the search (`outcome.objective_axes`).

    Raises:
        UserError: a cost table that cannot be read; in training, a budget that no net meets.
    """

    def __init__(
        self, budget: Budget, cost_table: Path | None, minimise: Sequence[str] = ()
    ) -> None:
        self.budget = budget
        self.minimise = minimise
        self.table = read_cost_table(cost_table) if cost_table else None
        self.prices: Prices | None = None
        self.corner: dict[str, float] = {}
        self.repeated = False

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Refuse a budget that cannot be met before anything is trained."""
        spec, outputs = pl_module.students.spec, pl_module.students.num_outputs
        self.prices, _ = check_budget(spec, self.table, self.budget, outputs)
        axes = objective_axes(self.prices, self.minimise)
        self.corner = volume_limits(self.prices, axes, self.budget.limits)

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Repeat the reports that lie before the checkpoint."""
        self._repeat(trainer, pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Report this epoch."""
        self._report(trainer, pl_module, trainer.callback_metrics)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Repeat the reports of a run that had been completed: it does not train again."""
        self._repeat(trainer, pl_module)

    def final(self, frontier: dict[str, Any], path: Path) -> dict[str, Any]:
        """A trial's result: the hypervolume, and where its `frontier.json` lies."""
        headline = read_task(frontier).headline.key
        best = next(w for w in frontier["winners"] if w["name"] == frontier["best"])
        return {
            "default": frontier_volume(frontier, self.corner),
            headline: best[headline]["value"],
            "frontier": str(path),
        }

    def _repeat(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if self.repeated:
            return
        self.repeated = True
        path = Path(trainer.default_root_dir, "metrics.csv")
        if not trainer.is_global_zero or not trainer.global_step or not path.is_file():
            return
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            values = {name: float(value) for name, value in row.items() if value}
            judged = any(name.startswith(_metric(pl_module)) for name in values)
            if judged and values["step"] < trainer.global_step:
                self._report(trainer, pl_module, values)

    def _report(self, trainer: pl.Trainer, pl_module: Any, metrics: Mapping[str, Any]) -> None:
        if not trainer.is_global_zero or trainer.sanity_checking or self.prices is None:
            return
        students, task, metric = pl_module.students, pl_module.task, _metric(pl_module)
        judged = {
            name: tuple(architecture.indices(students.spec))
            for name, architecture in students.judged().items()
            if metric + name in metrics
        }
        # In the unit of the score that ranks the final frontier, and usually no less than that.
        errors = [task.sure_error(_figures(metrics, name)) / task.blind_error for name in judged]
        costs = [self.prices.of(net) for net in judged.values()]
        figures = {"default": dominated_volume(errors, costs, self.corner)}
        if judged:
            largest = next(iter(judged))
            figures[task.headline.key] = float(metrics[metric + largest])
        nni_experiment.report_intermediate(figures)


def _metric(module: Any) -> str:
    """How the keys of a validation's headline error begin."""
    return f"val/{module.task.headline.key}/"


def _figures(metrics: Mapping[str, Any], net: str) -> dict[str, float]:
    """The figures of one net in a validation, by metric."""
    return {
        name.split("/")[1]: float(value)
        for name, value in metrics.items()
        if name.startswith("val/") and name.endswith(f"/{net}")
    }
