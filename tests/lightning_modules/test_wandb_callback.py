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

HEARD = {"recordings": 3, "skipped_recordings": 1, "hours": 0.1, "speakers": 2}


def end(
    students: Students, task: Task, folder: Path, judged: dict[str, torch.Tensor] | None = None
) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """What is logged at the end of `fit`, the artifacts that it read, and those that it made."""
    logged: dict[str, Any] = {}
    used: list[Any] = []
    made: list[Any] = []
    run = SimpleNamespace(
        log=logged.update,
        log_artifact=made.append,
        _log_artifact=lambda artifact, **how: used.append(artifact),
    )
    trainer: Any = SimpleNamespace(
        is_global_zero=True,
        callback_metrics=judged or {},
        datamodule=SimpleNamespace(
            provenance=lambda: HEARD | {"seed": 1}, sounds_sha256=lambda: {"root": "abc"}
        ),
        default_root_dir=folder,
        global_step=7,
    )
    logger: Any = SimpleNamespace(experiment=run)
    WandbLineage(logger).on_fit_end(trainer, SimpleNamespace(students=students, task=task))
    return logged, used, made


def test_recordings_begin_the_lineage_without_their_names(tmp_path: Path):
    """Of classes and embeddings, too: there the lineage began at the supernet."""
    task = ClassesTask(("dog", "door"))
    (tmp_path / "supernet.pt").write_bytes(b"weights")
    _, (heard,), (net,) = end(Students("sam-nano-1s", None, 1, 0, task=task), task, tmp_path)
    assert (heard.type, net.type) == ("recordings", "supernet")
    assert dict(heard.metadata) == HEARD | {"sounds_sha256": {"root": "abc"}}
    assert list(heard.manifest.entries) == ["recordings.json"]


def test_a_net_trained_alone_makes_the_frontier_that_is_lowered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    task = ClassesTask(("dog", "door"))
    (tmp_path / "supernet.pt").write_bytes(b"of an earlier run")
    (tmp_path / "frontier.json").write_text("{}")
    monkeypatch.setattr(wandb_callback, "frontier_artifact", lambda path: path)
    _, _, made = end(Students("sam-nano-1s", "largest", 1, 0, task=task), task, tmp_path)
    assert made == [tmp_path / "frontier.json"]


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
    students = Students("sam-nano-1s", None, 1, 0, task=task)
    judged = {
        f"val/{key}/{name}": torch.tensor(place + 0.5)
        for name in ("largest", "smallest")  # the middle one was not judged
        for place, key in enumerate(figures)
    }
    monkeypatch.setattr("wandb.Table", lambda columns, data: (columns, data))
    logged, _, _ = end(students, task, tmp_path, judged)
    columns, rows = logged[wandb_callback.SUBNET_TABLE]
    assert columns == ["net", "params", "macs", *figures]
    assert [row[0] for row in rows] == ["largest", "smallest"]
    cost = costs(students.judged()["largest"], students.num_outputs)
    assert rows[0][1:] == [cost.params, cost.macs, 0.5, 1.5][: 2 + len(figures)]
