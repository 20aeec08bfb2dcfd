"""A study of a task of classes: its grid, what its rows call, and one row for real."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_modules import study_row
from lightning_modules.study_check import check_settings
from lightning_modules.study_config import read_study
from lightning_modules.study_design import Row
from lightning_modules.study_fits import fit_folder
from lightning_modules.study_grid import rows_of
from lightning_modules.study_groups import Judged, groups_of
from lightning_modules.study_reads import count_reads
from lightning_modules.study_report import write_report
from lightning_modules.study_row import prepare
from lightning_modules.study_table import collect, write_row
from lightning_modules.study_task_classes import OWN_SPLIT, ClassesStudy
from search_spaces.architecture import largest, write_architecture
from search_spaces.cost import costs
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from tests.lightning_modules.recording_folder import write_folder
from tests.lightning_modules.study_folder import estimate

NANO = largest(get_space("sam-nano-1s"))
SMALL = {
    "model.space": "sam-nano-1s",
    "data.num_workers": 0,
    "data.labelled_batch_size": 6,
    "data.unlabelled_batch_size": 6,
    "trainer.callbacks.1.init_args.calibration_clips": 4,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("recordings") / "tones")


def study_file(folder: Path, recordings: Path, **changes: Any) -> Path:
    """A study of three classes; None leaves a field out."""
    values: dict[str, Any] = {
        "description": "tones",
        "out": str(folder / "out"),
        "root": str(recordings),
        "fit_config": "folder",
        "fit": SMALL,
        "net": "nano.json",
        "steps": {"supernet": 4, "alone": 4},
        "budgets": ["all"],
        "seeds": [1],
        "search": {"population": 4, "generations": 2},
        "variants": [{"name": "supervised", "ingredients": []}],
        "expected": {"machine": "any", "supernet_step_s": 1, "alone_step_s": 1, "row_s": 9},
        **changes,
    }
    write_architecture(folder / "nano.json", NANO)
    path = folder / "tones.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in values.items() if v is not None}))
    return path


def test_the_grid_holds_out_each_speaker_at_each_budget(tmp_path: Path, root: Path):
    path = study_file(tmp_path, root, held_out=["ann", "bob"], budgets=[4, "all"])
    study = read_study(path)
    rows = rows_of(study)
    assert [(row.protocol, row.budget) for row in rows] == [
        *(("ann", 4), ("ann", "all")),
        *(("bob", 4), ("bob", "all")),
    ]
    data = [row.fit.values["data"] for row in rows]
    assert [each["labelled_per_class"] for each in data] == [4, None, 4, None]
    assert data[2]["test_speakers"] == ["bob"]
    assert data[0]["labelled_batch_size"] == 12  # nothing hears unlabelled clips
    assert "speech" not in data[0]
    check_settings(study, rows)


def test_without_speakers_to_hold_out_the_recordings_own_split_is_the_test(
    tmp_path: Path, root: Path
):
    (row,) = rows_of(read_study(study_file(tmp_path, root)))
    assert row.protocol == OWN_SPLIT
    assert "test_speakers" not in row.fit.values["data"]


def test_ingredients_are_those_of_classes(tmp_path: Path, root: Path):
    ablation = {"leave_one_out": ["mixing"]}
    study = read_study(study_file(tmp_path, root, ablation=ablation))
    settings = study.variant("without mixing").settings(study.task.ingredients)
    assert settings["model.mixing.enabled"] is False
    assert settings["model.pseudo_labels.enabled"] is True
    assert "model.count_addition.enabled" not in settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"root": None}, "tones.yaml: field root: missing, though the task is classes"),
        ({"speech": "espeak"}, "field speech: the task is classes, which has none; remove it"),
        (
            {"ablation": {"protocols": ["rooms"]}},
            "field protocols: the task is classes, which has none; remove it",
        ),
        (
            {"variants": [{"name": "a", "ingredients": ["additivity"]}]},
            "variant 'a': ingredient 'additivity' is none of classes: augmentation, sap_augm",
        ),
    ],
)
def test_fields_of_another_task_are_refused(
    tmp_path: Path, root: Path, changes: dict[str, Any], message: str
):
    with pytest.raises(UserError, match=message):
        read_study(study_file(tmp_path, root, **changes))


def test_where_several_classes_may_be_right_sets_are_judged(tmp_path: Path, root: Path):
    study = read_study(study_file(tmp_path, root, fit={**SMALL, "data.several": True}))
    assert study.task.metrics == ("error", "set_error")


def test_a_task_that_is_none_is_refused(tmp_path: Path, root: Path):
    (tmp_path / "fit.yaml").write_text("task: moods\nmodel: {space: sam-nano-1s}\n")
    with pytest.raises(UserError, match="field fit_config: task 'moods', expected counts or class"):
        read_study(study_file(tmp_path, root, fit_config="fit.yaml", fit={}))


def test_recordings_and_speakers_are_looked_for_before_anything_is_trained(
    tmp_path: Path, root: Path
):
    study = read_study(study_file(tmp_path, root, held_out=["ann", "zoe"]))
    unknown = r"field held_out: no speaker 'zoe' in .*tones; name one of ann, b"
    with pytest.raises(UserError, match=unknown):
        check_settings(study, rows_of(study))
    comparisons = {"sizes": {"variant": "supervised", "max_mmacs": [1], "held_out": ["kim"]}}
    study = read_study(study_file(tmp_path, root, comparisons=comparisons))
    with pytest.raises(UserError, match=r"no speaker 'kim'"):
        check_settings(study, rows_of(study))
    lost = read_study(study_file(tmp_path, tmp_path / "lost"))
    with pytest.raises(UserError, match=r"root: .*lost: no such folder or CSV"):
        check_settings(lost, rows_of(lost))


def test_each_training_lists_its_test_and_costs_are_of_as_many_outputs(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
):
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(study_row, "run_stage", lambda *stage: called.append(tuple(stage[2])))
    study = read_study(study_file(tmp_path, root, held_out=["ann"]))
    shared = prepare(study)
    assert called == []  # no test clips to be made
    (row,) = rows_of(study)
    study.out.mkdir()
    with pytest.raises(FileNotFoundError):  # nothing was run, so nothing was written
        study_row._evaluate(row, shared, tmp_path, tmp_path / "net", "int8", "test")
    clips = called[0][called[0].index("--clips") + 1]
    assert clips == str(fit_folder(study.out, row.fit) / "test_recordings.csv")
    assert count_reads(study.out) == {"ann": (1, 1)}
    limits = study_row._limits_of(tmp_path / "nano.json", shared)
    assert limits == {"--max-macs": float(costs(NANO, 3).macs)}


def evaluation(error: float) -> dict[str, Any]:
    part = {"clips": 4, "error": estimate(error)}
    by_class = {"clips": 4, "recall": estimate(1 - error), "precision": estimate(0.5)}
    return {
        "metrics": {
            **{name: estimate(error) for name in ("error", "balanced_error")},
            "ece": 0.05,
            "ece_before_temperature": 0.15,
        },
        "by_class": [{"name": "low", **by_class}],
        "by_speaker": [{"name": "ann", **part}],
        "by_snr_db": [{"low": None, "high": 5.0, **part}],
    }


def write_finished(row: Row, task: ClassesStudy, out: Path, error: float) -> None:
    folder = fit_folder(out, row.fit)
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_text("recording,use,label,speaker\na,train,low,\n")
    manifest = {
        "name": "net-0",
        "costs": {"params": 5000, "macs": 4_000_000, "predicted_latency_ms": None},
        "temperature": 1.5,
        "precisions": {"fp32": {"validation": {"error": estimate(0.3)}}},
        "int8_reason": None,
    }
    judged = [Judged("test", precision, evaluation(error)) for precision in ("fp32", "int8")]
    write_row(task, out / "rows" / row.id, row, out, manifest, judged)


def test_the_table_is_the_mean_over_those_held_out(tmp_path: Path, root: Path):
    study = read_study(study_file(tmp_path, root, held_out=["ann", "bob"]))
    assert isinstance(study.task, ClassesStudy)
    rows = rows_of(study)
    for row, error in zip(rows, (0.1, 0.3), strict=True):
        write_finished(row, study.task, study.out, error)
    table = collect(study.task, study.out, rows)
    assert [line["test_fp32_error"] for line in table] == ["0.1", "0.3"]
    assert [line["labelled_clips"] for line in table] == ["1", "1"]
    plots = write_report(study, 2, table, tmp_path / "results.md")
    text = (tmp_path / "results.md").read_text()
    assert "| all (1) | ann, bob | 2 | 5 k | 4.0 | 20.0 (10.0 to 30.0), 20.0 (" in text
    assert "| test: error, balanced | test: int8 error | ECE before, after |" in text
    assert "| | | clips | error | recall | precision |" in text
    assert "| class | low | 4 | - | 90.0 (" in text
    assert [plot.name for plot in plots] == ["tones-labels-test.png"]


def test_groups_are_by_class_speaker_and_snr():
    lines = list(groups_of("row", Judged("test", "int8", evaluation(0.25))))
    assert [(line["by"], line["group"]) for line in lines] == [
        *(("class", "low"), ("speaker", "ann"), ("snr_db", "below 5")),
    ]
    assert (lines[0]["recall"], lines[0]["class_precision_low"]) == ("0.75", "0.4")
    assert lines[1]["error"] == "0.25"


@pytest.mark.timeout(900)  # half a minute; more where others use the cores too
def test_a_row_of_classes_from_training_to_its_figures(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ERSAM_CACHE", str(tmp_path / "cache"))
    path = study_file(tmp_path, root, held_out=["ann"])
    command = [sys.executable, "-m", "lightning_modules", "study", "--config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out" / "study.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    for precision in ("fp32", "int8"):
        assert 0 <= float(line[f"test_{precision}_error"]) <= 1
        assert float(line[f"test_{precision}_ece_before"]) >= 0
    assert line["labelled_clips"] == "24"  # of four speakers, three classes, two recordings each
    with (tmp_path / "out" / "groups.csv").open(newline="") as file:
        by = {(group["by"], group["group"]) for group in csv.DictReader(file)}
    assert by == {("speaker", "ann"), *(("class", name) for name in ("low", "middle", "high"))}
