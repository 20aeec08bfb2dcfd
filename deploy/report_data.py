"""What a run folder holds, for the report: each file by its own reader, or why there is none."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from deploy.bundle import Bundle, read_bundle
from deploy.evaluation import read_evaluation
from deploy.measurement import read_measurement
from lightning_modules.labels import Label, read_labels
from lightning_modules.recordings import read_recordings
from lightning_modules.recordings_budget import COLUMNS, TEST_LIST
from lightning_modules.recordings_item import Item
from search_spaces.cost_table import CostTable, read_cost_table
from search_spaces.errors import UserError, one_line
from search_spaces.frontier import Frontier, read_frontier

T = TypeVar("T")
_COMMAND_FIELDS = {"argv", "started", "seconds", "versions", "exit_code"}


@dataclass(frozen=True)
class Missing:
    """A file that is not there or cannot be used, and the command that makes it."""

    path: str  # relative to the run
    reason: str
    command: str


@dataclass(frozen=True)
class RunData:
    """The parts of a run. A part that is None or empty has its reason in ``missing``."""

    frontier: Frontier | None
    tuned: Frontier | None  # of the one net that was trained on alone, where the run has it
    cost_table: CostTable | None
    labels: list[Label] | None
    class_labels: list[tuple[str, str]] | None  # label and use, of a run that names classes
    recordings: dict[str, Item]  # of the test by name, of a run that names classes
    bundles: list[Bundle]
    evaluations: list[dict[str, Any]]
    measurements: list[dict[str, Any]]
    commands: list[dict[str, Any]] | None
    missing: dict[str, list[Missing]]  # by name of the part


class _Reader:
    """Reads files of a run and collects what is missing, by part."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.missing: dict[str, list[Missing]] = {}

    def one(self, part: str, name: str, read: Callable[[Path], T], command: str) -> T | None:
        """One file or folder, None where it is missing or damaged."""
        path = self.run / name
        try:
            if not path.exists():
                raise UserError("not there")
            return read(path)
        except UserError as error:
            reason = one_line(str(error)).removeprefix(f"{path}: ")
            self.missing.setdefault(part, []).append(Missing(name, reason, command))
            return None

    def every(self, part: str, pattern: str, read: Callable[[Path], T], command: str) -> list[T]:
        """All files or folders that match, those that can be read."""
        names = sorted(str(path.relative_to(self.run)) for path in self.run.glob(pattern))
        values = [self.one(part, name, read, command) for name in names or [pattern]]
        return [value for value in values if value is not None]


def read_run(run: Path) -> RunData:
    """Read whatever a run folder holds.

    Raises:
        UserError: no such folder, or nothing of a run in it.
    """
    if not run.is_dir():
        raise UserError(f"--run {run}: no such folder; give the folder of a `python -m deploy run`")
    files = _Reader(run)
    python = "python -m"
    of_classes = _has_class_labels(run / "train" / "labels.csv")
    data = RunData(
        frontier=files.one(
            "frontier",
            "search/frontier.json",
            read_frontier,
            f"{python} search_spaces search --checkpoint {run}/train/supernet.pt"
            f" --cost-table {run}/cost_table.json --out {run}/search",
        ),
        tuned=files.one(
            "frontier", "tune/frontier.json", read_frontier, f"{python} deploy run --out {run}"
        )
        if (run / "tune").exists()
        else None,
        cost_table=files.one(
            "cost_table",
            "cost_table.json",
            read_cost_table,
            f"{python} deploy cost-table --space sam --out {run}/cost_table.json",
        ),
        labels=files.one(
            "labels",
            "train/labels.csv",
            read_labels,
            f"{python} lightning_modules fit --config lightning_modules/configs/sam.yaml"
            f" --trainer.default_root_dir {run}/train",
        )
        if not of_classes
        else None,
        class_labels=read_class_labels(run / "train" / "labels.csv") if of_classes else None,
        recordings=files.one(
            "recordings",
            f"train/{TEST_LIST}",
            read_test_recordings,
            f"{python} lightning_modules fit --config lightning_modules/configs/folder.yaml"
            f" --data.root DIR --trainer.default_root_dir {run}/train",
        )
        or {}
        if of_classes
        else {},
        bundles=files.every(
            "bundles",
            "bundles/*",
            read_bundle,
            f"{python} deploy lower --frontier {run}/search/frontier.json"
            f" --clips {run}/train/clips.npz --out {run}/bundles",
        ),
        evaluations=files.every(
            "evaluations",
            "evaluations/*.json",
            read_evaluation,
            f"{python} deploy evaluate --bundle {run}/bundles/NAME --clips {run}/test_clips"
            f" --out {run}/evaluations/NAME-int8.json",
        ),
        measurements=files.every(
            "measurements",
            "measurements/*.json",
            read_measurement,
            f"{python} deploy benchmark --bundle {run}/bundles/* --out {run}/measurements",
        ),
        commands=files.one(
            "commands", "commands.jsonl", read_commands, f"{python} deploy run --out {run}"
        ),
        missing=files.missing,
    )
    parts = (getattr(data, name) for name in vars(data) if name != "missing")
    if not any(parts):
        names = ", ".join(part.path for parts in files.missing.values() for part in parts)
        raise UserError(f"--run {run}: no file of a run can be read there (looked for {names})")
    return data


def _has_class_labels(path: Path) -> bool:
    """Whether a `labels.csv` is of recordings with classes."""
    try:
        with path.open(encoding="utf-8") as stream:
            return stream.readline().strip().split(",") == list(COLUMNS)
    except (OSError, UnicodeDecodeError):
        return False


def read_class_labels(path: Path) -> list[tuple[str, str]]:
    """Label and use of every row of a `labels.csv` of recordings with classes."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [(row["label"], row["use"]) for row in csv.DictReader(stream)]


def read_test_recordings(path: Path) -> dict[str, Item]:
    """The recordings of the test by the names that an evaluation of this list gives them.

    Raises:
        UserError: one of them is gone.
    """
    return {item.name: item for item in read_recordings(path)}


def read_commands(path: Path) -> list[dict[str, Any]]:
    """Read `commands.jsonl`.

    Raises:
        UserError: a line that is no record of a command; the message has its number.
    """
    commands = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            command = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}: line {number} is not JSON ({error})") from None
        if not isinstance(command, dict) or not command.keys() >= _COMMAND_FIELDS:
            raise UserError(f"{path}: line {number} lacks one of {sorted(_COMMAND_FIELDS)}")
        commands.append(command)
    return commands
