"""The task that a file of the kit names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.ambiance import AmbianceLevels
from search_spaces.errors import UserError
from search_spaces.task import Task
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask
from search_spaces.task_embedding import EmbeddingTask, read_embedding_task


def read_task(value: Mapping[str, Any]) -> Task:
    """The task of a file whose fields ``task`` and ``levels`` satisfy its schema.

    Files of the kit's first version have no field ``task``; they count people.

    Raises:
        UserError: a kind that this kit does not know, or levels or names that cannot be.
    """
    task = value.get("task", {"kind": CountsTask.kind})
    if task["kind"] == ClassesTask.kind:
        return ClassesTask(tuple(task["names"]), task["several"])
    if task["kind"] == EmbeddingTask.kind:
        return read_embedding_task(task)
    if task["kind"] != CountsTask.kind:
        kinds = f"{CountsTask.kind}, {ClassesTask.kind} and {EmbeddingTask.kind}"
        raise UserError(f"task: got {task['kind']!r}, this kit knows {kinds}")
    levels = value.get("levels")
    if levels is None:
        return CountsTask()
    return CountsTask(AmbianceLevels(tuple(levels["edges"]), tuple(levels["names"])))


def task_fields(task: Task) -> dict[str, Any]:
    """The fields that `read_task` reads."""
    if isinstance(task, CountsTask):
        levels = {"edges": list(task.levels.edges), "names": list(task.levels.names)}
        return {"task": task.to_json(), "levels": levels}
    return {"task": task.to_json()}
