from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lightning_modules.study_config import read_study
from lightning_modules.study_grid import rows_of
from lightning_modules.study_table import collect
from lightning_modules.study_wandb import log_report, log_row
from tests.lightning_modules.study_folder import write_finished
from tests.lightning_modules.test_study_config import study_file


class FakeRun:
    """What a run was begun with, and what was logged to it."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.summary: dict[str, float] = {}
        self.logged: dict[str, Any] = {}

    def log(self, values: dict[str, Any]) -> None:
        self.logged |= values

    def __enter__(self) -> FakeRun:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[FakeRun]:
    runs: list[FakeRun] = []

    def init(**options: Any) -> FakeRun:
        runs.append(FakeRun(**options))
        return runs[-1]

    fake = SimpleNamespace(init=init, Settings=dict, Image=lambda path: f"image of {path}")
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return runs


def test_rows_and_plots_are_logged_offline(tmp_path: Path, runs: list[FakeRun]):
    study = read_study(study_file(tmp_path, out=str(tmp_path), wandb="mine"))
    row = rows_of(study)[0]
    write_finished(row, tmp_path, 0.2, int8=False)
    (line,) = collect(study.task, tmp_path, [row])
    log_row(study, line)
    log_report(study, [tmp_path / "a.png"])
    assert [run.options["mode"] for run in runs] == ["offline", "offline"]
    assert [run.options["project"] for run in runs] == ["mine", "mine"]
    assert runs[0].options["name"] == row.id
    assert runs[0].options["config"]["labelled_clips"] == "20"
    assert runs[0].summary["rooms_fp32_level_error"] == 0.2
    assert not [name for name in runs[0].summary if "int8" in name]  # none, and not a zero
    assert runs[1].logged == {"a": f"image of {tmp_path / 'a.png'}"}
