"""Which task a study is of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_modules.study_task import StudyTask
from lightning_modules.study_task_classes import ClassesStudy
from lightning_modules.study_task_counts import CountsStudy
from search_spaces.errors import UserError

TASKS: dict[str, type[StudyTask]] = {task.kind: task for task in (CountsStudy, ClassesStudy)}


def study_task(where: Path, values: Mapping[str, Any], fit: Mapping[str, Any]) -> StudyTask:
    """The task of a study, whose file must have its fields and none of another task's.

    Args:
        where: path of the file.
        values: the file's.
        fit: the configuration of `fit`, whose ``task`` it is.

    Raises:
        UserError: naming the field, or the task.
    """
    kind = fit.get("task", CountsStudy.kind)
    if kind not in TASKS:
        raise UserError(f"{where}: field fit_config: task {kind!r}, expected {' or '.join(TASKS)}")
    task = TASKS[kind](values, bool(fit.get("data", {}).get("several", False)))
    for name in task.needed:
        if name not in values:
            raise UserError(f"{where}: field {name}: missing, though the task is {kind}")
    foreign = {name for other in TASKS.values() for name in other.own_fields} - {*task.own_fields}
    asked = [values, values.get("ablation", {}), *values.get("comparisons", {}).values()]
    for name in sorted(foreign):
        if any(name in part for part in asked):
            raise UserError(f"{where}: field {name}: the task is {kind}, which has none; remove it")
    return task
