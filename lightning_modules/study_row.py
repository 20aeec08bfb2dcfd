"""One row of a study from training to figures, by the public commands; what is done stays done."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_modules.recordings_budget import TEST_LIST
from lightning_modules.study_config import Study
from lightning_modules.study_design import Choice, Row
from lightning_modules.study_fits import architecture_of, fit_folder, frontier_of_fit, train
from lightning_modules.study_groups import Judged
from lightning_modules.study_reads import note_read
from lightning_modules.study_stages import run_stage
from lightning_modules.study_table import PRECISIONS, write_row
from lightning_modules.study_task import StudyTask
from lightning_modules.study_task_counts import CountsStudy
from search_spaces.architecture import read_architecture, write_architecture
from search_spaces.cost import costs
from search_spaces.cost_table import read_cost_table
from search_spaces.errors import UserError
from search_spaces.frontier import read_frontier


@dataclass(frozen=True)
class Shared:
    """What all rows use.

    Attributes:
        task: of the study.
        out: folder of the study.
        test_clips: folder of test clips by protocol; of classes each training lists its test.
        cost_table: None where none is measured.
    """

    task: StudyTask
    out: Path
    test_clips: dict[str, Path]
    cost_table: Path | None


def row_folder(out: Path, row: Row) -> Path:
    """Where a row's files lie."""
    return out / "rows" / row.id


def prepare(study: Study) -> Shared:
    """Make the test clips and, if asked for, the cost table; what is there is kept.

    Raises:
        StageFailedError: a command failed, e.g. for want of speech.
    """
    out, task = study.out, study.task
    clips = _make_clips(out, task) if isinstance(task, CountsStudy) else {}
    table = None
    if (kind := study.values.get("cost_table")) is not None:
        # A changed study needs another table: one of its space, and of as many measurements.
        table = out / "cost_table" / f"{study.space}-{kind}" / "cost_table.json"
        if not table.exists():
            quick = ("--quick",) if kind == "quick" else ()
            arguments = ("deploy", "cost-table", "--space", study.space, "--out", str(table))
            run_stage(table.parent, "cost-table", (*arguments, *quick))
    return Shared(task, out, clips, table)


def _make_clips(out: Path, task: CountsStudy) -> dict[str, Path]:
    """The folders of test clips by protocol."""
    test = task.values["test"]
    clips: dict[str, Path] = {}
    for protocol in task.conditions:
        clips[protocol] = out / "test_clips" / f"{protocol}-{task.test_name}"
        if not clips[protocol].exists():
            run_stage(
                out / "test_clips",
                "clips",
                (
                    *("lightning_modules", "clips", "--speech", task.values["speech"]),
                    *("--protocol", protocol, "--split", "test", "--count", str(test["clips"])),
                    *("--seed", str(test["seed"]), "--rooms", str(task.rooms)),
                    *("--out", str(clips[protocol])),
                ),
            )
    return clips


def run_row(row: Row, shared: Shared) -> None:
    """Train, choose, lower, evaluate, and write the row's figures.

    Raises:
        StageFailedError: a command failed.
        UserError: a row that this one builds on has no net, or a file is not what it should be.
    """
    out, folder = shared.out, row_folder(shared.out, row)
    for fit in row.fits:
        if fit.like is not None and not architecture_of(out, fit.like.id).exists():
            raise UserError(f"{row.id}: needs the net of {fit.like.id}, which has none yet")
        train(out, fit)
    frontier = _choose(row, row.choice, shared, folder)
    best = read_frontier(frontier).best
    write_architecture(architecture_of(out, row.id), best.architecture)
    clips = fit_folder(out, row.fit) / "clips.npz"
    bundles = folder / "bundles"
    lower = ("deploy", "lower", "--frontier", str(frontier), "--winner", best.name)
    # int8 is judged whatever it loses: its loss is one of the figures.
    paths = ("--clips", str(clips), "--out", str(bundles), "--allow-drop")
    run_stage(folder, "lower", (*lower, *paths))
    manifest = json.loads((bundles / best.name / "manifest.json").read_text(encoding="utf-8"))
    judged = [
        _evaluate(row, shared, folder, bundles / best.name, precision, protocol)
        for precision in PRECISIONS
        if manifest["precisions"][precision] is not None
        for protocol in shared.task.conditions
    ]
    write_row(shared.task, folder, row, out, manifest, judged)


def _choose(row: Row, choice: Choice | None, shared: Shared, folder: Path) -> Path:
    """The `frontier.json` whose best winner is judged."""
    if choice is None:
        return frontier_of_fit(shared.out, row.fit)
    frontier = folder / "search" / "frontier.json"
    if frontier.exists():
        return frontier
    limits = dict(choice.limits)
    if choice.as_dear_as is not None:
        limits |= _limits_of(Path(choice.as_dear_as), shared)
    train_folder = fit_folder(shared.out, row.fit)
    arguments = [
        *("search_spaces", "search", "--checkpoint", str(train_folder / "supernet.pt")),
        *("--clips", str(train_folder / "clips.npz"), "--out", str(frontier.parent)),
        *("--population", str(choice.population), "--generations", str(choice.generations)),
        *("--winners", "1", "--seed", str(row.seed)),
    ]
    if shared.cost_table is not None:
        arguments += ["--cost-table", str(shared.cost_table)]
    for flag, value in limits.items():
        arguments += [flag, repr(value)]
    if choice.fixed:
        arguments += ["--fix", *(f"{name}={value}" for name, value in choice.fixed)]
    run_stage(folder, "search", arguments)
    return frontier


def _limits_of(path: Path, shared: Shared) -> dict[str, float]:
    """The cost of a net as a limit: its predicted latency, or its MACs without a cost table."""
    architecture, outputs = read_architecture(path), shared.task.num_outputs()
    if shared.cost_table is None:
        return {"--max-macs": float(costs(architecture, outputs).macs)}
    table = read_cost_table(shared.cost_table)
    return {"--max-latency-ms": table.latency_ms(architecture, "int8", outputs)}


def _evaluate(
    row: Row, shared: Shared, folder: Path, bundle: Path, precision: str, protocol: str
) -> Judged:
    path = folder / "evaluations" / f"{protocol}-{precision}.json"
    clips = shared.test_clips.get(protocol, fit_folder(shared.out, row.fit) / TEST_LIST)
    name = clips.name if shared.test_clips else row.protocol
    if not path.exists():
        note_read(shared.out, row.id, bundle.name, precision, name)
        run_stage(
            folder,
            "evaluate",
            (
                *("deploy", "evaluate", "--bundle", str(bundle), "--precision", precision),
                *("--clips", str(clips), "--out", str(path), "--rows"),
            ),
        )
    evaluation: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Judged(protocol, precision, evaluation)
