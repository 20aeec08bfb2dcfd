import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy import pipeline_summary
from search_spaces.files import write_json
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask
from tests.deploy.run_folder import write_run, write_tuned


@pytest.fixture
def run(tmp_path: Path, monkeypatch) -> tuple[Path, list[str]]:
    """A finished run; its bundles are stand-ins with files of known size."""
    names = write_run(tmp_path)
    for name in names:
        folder = tmp_path / "bundles" / name
        folder.mkdir(parents=True)
        (folder / "fp32").write_bytes(bytes(400_000))
        (folder / "int8").write_bytes(bytes(120_400))

    def read_stand_in(folder: Path) -> SimpleNamespace:
        return SimpleNamespace(precisions=("fp32", "int8"), model_path=folder.joinpath)

    monkeypatch.setattr(pipeline_summary, "read_bundle", read_stand_in)
    return tmp_path, names


def test_a_row_per_winner_and_precision_in_the_order_of_the_search(run):
    folder, names = run
    rows = list(pipeline_summary.summary_rows(folder))
    assert [row[:2] for row in rows] == [
        (name, precision) for name in names for precision in ("fp32", "int8")
    ]
    assert rows[0][-1] == "400"
    assert rows[1][-1] == "120"
    assert all("% [" in row[2] for row in rows)


def test_a_tuned_winner_is_shown_unless_it_is_left_from_an_earlier_scale(run):
    folder, names = run
    tuned_name = write_tuned(folder)
    shutil.copytree(folder / "bundles" / names[0], folder / "bundles" / tuned_name)
    tuned = [row[0] for row in pipeline_summary.summary_rows(folder)]
    assert set(tuned) == {*names, tuned_name}
    write_json(folder / "config.json", {"scale": {"tune_steps": 4}})
    assert [row[0] for row in pipeline_summary.summary_rows(folder)] == tuned
    write_json(folder / "config.json", {"scale": {"tune_steps": None}})
    for path in folder.glob(f"evaluations/{tuned_name}-*"):
        path.unlink()  # as `lower` clears them
    assert {row[0] for row in pipeline_summary.summary_rows(folder)} == {*names}


def test_columns_are_the_tasks_own():
    assert pipeline_summary.columns(CountsTask())[2:4] == ("level error (95 %)", "MAE")
    one, several = (ClassesTask(("a", "b"), several) for several in (False, True))
    assert pipeline_summary.columns(one)[2:4] == ("error (95 %)", "balanced")
    assert pipeline_summary.columns(several)[3] == "whole sets"


def test_the_table_is_narrow_aligned_and_ends_in_the_report(run, capsys):
    folder, names = run
    pipeline_summary.print_summary(folder)
    lines = capsys.readouterr().out.splitlines()
    table = lines[3 : 4 + 2 * len(names)]
    assert len({len(line) for line in table}) == 1
    assert len(table[0]) <= 90
    assert lines[-1] == f"report: {folder / 'report.html'}"
