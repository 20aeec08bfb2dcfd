"""What a run folder holds, for the report: each file by its own reader, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from deploy.bundle import Bundle
from deploy.pipeline_state import CONFIG_FILE, TUNED, tunes
from deploy.report_checks import (
    checked_bundle,
    checked_cost_table,
    checked_evaluation,
    checked_frontier,
    checked_measurement,
    checked_probe,
)
from deploy.report_lists import (
    Used,
    lists_recordings,
    read_commands,
    read_test_recordings,
    read_used,
)
from deploy.report_reader import Missing, RunReader
from lightning_modules.labels import Label, read_labels
from lightning_modules.recordings_budget import TEST_LIST
from lightning_modules.recordings_item import Item
from search_spaces.cost_table import CostTable
from search_spaces.errors import UserError
from search_spaces.frontier import Frontier
from search_spaces.task import Task
from search_spaces.task_json import read_task

PROBE = "probe/probe.json"
SEARCHED = "search/frontier.json"
_FIT = {  # configuration that trains what a run is of, and what it needs to be told
    "counts": "sam.yaml",
    "classes": "folder.yaml --data.root DIR",
    "embedding": "frill.yaml --data.root DIR --data.teacher FILE",
}


@dataclass(frozen=True)
class RunData:
    """The parts of a run. A part that is None or empty has its reason in ``missing``."""

    kind: str  # of its task
    frontier: Frontier | None
    tuned: Frontier | None  # of the one net that was trained on alone, where the run has it
    cost_table: CostTable | None
    labels: list[Label] | None  # of a run that counts people
    used: list[Used] | None  # recordings, of a run that does not
    recordings: dict[str, Item]  # of the test by name, of a run that names classes
    bundles: list[Bundle]
    evaluations: list[dict[str, Any]]
    measurements: list[dict[str, Any]]
    probe: dict[str, Any] | None  # of an embedding
    commands: list[dict[str, Any]] | None
    missing: dict[str, list[Missing]]  # by name of the part


def read_run(run: Path) -> RunData:
    """Read whatever a run folder holds.

    Raises:
        UserError: no such folder, or nothing of a run in it.
    """
    if not run.is_dir():
        raise UserError(f"--run {run}: no such folder; give the folder of a `python -m deploy run`")
    files = RunReader(run)
    python, at = "python -m", _training_folder(run)
    listed = lists_recordings(run / at / "labels.csv")
    frontier = files.one(
        "frontier",
        _frontier_file(run, at),
        checked_frontier,
        f"{python} search_spaces search --checkpoint {run / at}/supernet.pt"
        f" --cost-table {run}/cost_table.json --out {run}/search",
    )
    bundles = files.every(
        "bundles",
        "bundles/*",
        checked_bundle,
        f"{python} deploy lower --frontier {run / _frontier_file(run, at)}"
        f" --clips {run / at}/clips.npz --out {run}/bundles",
    )
    clips = f"{run / at / TEST_LIST} --rows" if listed else f"{run}/test_clips"
    evaluations = files.every(
        "evaluations",
        "evaluations/*.json",
        _of_one_task(frontier.task if frontier else bundles[0].task if bundles else None),
        f"{python} deploy evaluate --bundle {run}/bundles/NAME --clips {clips}"
        f" --out {run}/evaluations/NAME-int8.json",
    )
    kind = _kind(run, frontier, bundles, run / at / "labels.csv" if listed else None, evaluations)
    fit = f"{python} lightning_modules fit --config lightning_modules/configs/{_FIT[kind]}"
    fit = f"{fit} --trainer.default_root_dir {run / at}"
    data = RunData(
        kind=kind,
        frontier=frontier,
        tuned=_tuned(files, f"{python} deploy run --out {run}"),
        cost_table=files.one(
            "cost_table",
            "cost_table.json",
            checked_cost_table,
            f"{python} deploy cost-table --space {frontier.space if frontier else 'SPACE'}"
            f" --out {run}/cost_table.json",
        ),
        labels=None if listed else files.one("labels", str(at / "labels.csv"), read_labels, fit),
        used=files.one("labels", str(at / "labels.csv"), read_used, fit) if listed else None,
        recordings=files.one("recordings", str(at / TEST_LIST), read_test_recordings, fit) or {}
        if kind == "classes" and listed
        else {},
        bundles=bundles,
        evaluations=evaluations,
        measurements=files.every(
            "measurements",
            "measurements/*.json",
            checked_measurement,
            f"{python} deploy benchmark --bundle {run}/bundles/* --out {run}/measurements",
        ),
        probe=files.one(
            "probe",
            PROBE,
            checked_probe,
            f"{python} deploy evaluate --probe SET... --bundle {run}/bundles/* --teacher FILE"
            f" --out {run}/probe",
        )
        if kind == "embedding"
        else None,
        commands=files.one(
            "commands", "commands.jsonl", read_commands, f"{python} deploy run --out {run}"
        ),
        missing=files.missing,
    )
    parts = {field.name for field in fields(data)} - {"kind", "missing"}
    if not any(getattr(data, name) for name in parts):
        names = ", ".join(part.path for parts in files.missing.values() for part in parts)
        raise UserError(f"--run {run}: no file of a run can be read there (looked for {names})")
    return data


def _of_one_task(task: Task | None) -> Callable[[Path], dict[str, Any]]:
    """A reader of evaluations that refuses those without the figures of a task, which one table
    cannot show; None stands for the task of the first that is read."""
    of_run = task

    def read(path: Path) -> dict[str, Any]:
        nonlocal of_run
        evaluation = checked_evaluation(path)
        found = read_task(evaluation)
        of_run = of_run or found
        if [metric.key for metric in found.judged_by] != [m.key for m in of_run.judged_by]:
            raise UserError(
                f"{path}: judges a net by {found.headline.title}, this run's are judged by"
                f" {of_run.headline.title}; put it elsewhere"
            )
        return evaluation

    return read


def _tuned(files: RunReader, command: str) -> Frontier | None:
    """The frontier of the net that was trained on alone, unless it is of an earlier scale."""
    if not (files.run / TUNED).parent.exists():
        return None
    if (files.run / CONFIG_FILE).exists() and not files.one(
        "frontier", CONFIG_FILE, tunes, command
    ):
        return None
    return files.one("frontier", TUNED, checked_frontier, command)


def _training_folder(run: Path) -> Path:
    """Where `fit` wrote, as `deploy run` has it, or into the run folder itself."""
    alone = not (run / "train").exists() and (run / "labels.csv").exists()
    return Path() if alone else Path("train")


def _frontier_file(run: Path, at: Path) -> str:
    """That of a search, or of `fit` where it trained one fixed net, which no search follows."""
    fixed = at / "frontier.json"
    return str(fixed) if not (run / "search").exists() and (run / fixed).exists() else SEARCHED


def _kind(
    run: Path,
    frontier: Frontier | None,
    bundles: list[Bundle],
    labels: Path | None,
    evaluations: list[dict[str, Any]],
) -> str:
    """The task that the run is of, by the first of its files that tells.

    ``labels`` is a `labels.csv` that lists recordings.
    """
    if frontier is not None:
        return frontier.task.kind
    if bundles:
        return bundles[0].task.kind
    if (run / PROBE).exists():
        return "embedding"
    if labels is not None:
        with suppress(UserError):  # it is damaged, and what shows it says so
            return "classes" if any(row.label for row in read_used(labels)) else "embedding"
    return "classes" if labels or any("task" in each for each in evaluations) else "counts"
