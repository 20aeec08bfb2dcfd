"""What training tells W&B at its end, of every task by its own figures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lightning_modules import wandb_callback
from lightning_modules.students import Students
from lightning_modules.wandb_callback import WandbLineage
from search_spaces.cost import costs
from search_spaces.task import Task
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask
from search_spaces.task_embedding import ProximityTask, TeacherTask


@pytest.mark.parametrize(
    ("task", "figures"),
    [
        (CountsTask(), ["level_error", "mae"]),
        (ClassesTask(("dog", "door")), ["error", "balanced_error"]),
        (ClassesTask(("dog", "door"), several=True), ["error", "set_error"]),
        (TeacherTask(4), ["distance", "cosine_distance"]),
        (ProximityTask(4), ["neighbour_error"]),
    ],
)
def test_the_table_by_size_names_the_figures_of_the_task(
    task: Task, figures: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    logged: dict[str, Any] = {}
    run = SimpleNamespace(log=logged.update)
    students = Students("sam-nano-1s", None, 1, 0, task=task)
    data = SimpleNamespace(provenance=dict)
    judged = {
        f"val/{key}/{name}": torch.tensor(place + 0.5)
        for name in ("largest", "smallest")  # the middle one was not judged
        for place, key in enumerate(figures)
    }
    trainer: Any = SimpleNamespace(
        is_global_zero=True, callback_metrics=judged, datamodule=data, default_root_dir=tmp_path
    )
    module = SimpleNamespace(students=students, task=task)
    logger: Any = SimpleNamespace(experiment=run)
    monkeypatch.setattr("wandb.Table", lambda columns, data: (columns, data))
    WandbLineage(logger).on_fit_end(trainer, module)
    columns, rows = logged[wandb_callback.SUBNET_TABLE]
    assert columns == ["net", "params", "macs", *figures]
    assert [row[0] for row in rows] == ["largest", "smallest"]
    cost = costs(students.judged()["largest"], students.num_outputs)
    assert rows[0][1:] == [cost.params, cost.macs, 0.5, 1.5][: 2 + len(figures)]
