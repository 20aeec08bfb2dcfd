from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lightning_modules.study_stages import (
    OUTPUT,
    STAGES,
    StageFailedError,
    run_stage,
    seconds_of,
)


def test_a_stage_leaves_what_it_said_and_how_long_it_took(tmp_path: Path):
    run_stage(tmp_path / "row", "help", ("json.tool", "--help"))
    assert "usage:" in (tmp_path / "row" / OUTPUT).read_text()
    assert 0 < seconds_of(tmp_path / "row")["help"] < 60


def test_a_failure_is_named_and_counts_too(tmp_path: Path):
    with pytest.raises(StageFailedError, match=r"^row: lower ended with exit code 2$"):
        run_stage(tmp_path / "row", "lower", ("json.tool", "--colour"))
    assert seconds_of(tmp_path / "row")["lower"] > 0


def test_an_attempt_that_was_killed_lasted_until_its_last_file(tmp_path: Path):
    folder = tmp_path / "fit"
    folder.mkdir()
    began = 1_000_000.0
    begun = json.dumps({"stage": "fit", "argv": [], "began": began})
    (folder / STAGES).write_text(f"{begun}\n")
    os.utime(folder / STAGES, (began, began))
    (folder / "metrics.csv").touch()
    os.utime(folder / "metrics.csv", (began + 90, began + 90))
    assert seconds_of(folder) == {}
    run_stage(folder, "fit", ("json.tool", "--help"))
    assert 90 < seconds_of(folder)["fit"] < 150


def test_half_a_line_is_passed_over(tmp_path: Path):
    whole = json.dumps({"stage": "fit", "began": 1.0, "seconds": 2.0, "exit_code": 0})
    (tmp_path / STAGES).write_text(f'{whole}\n{{"stage": "fi')
    assert seconds_of(tmp_path) == {"fit": 2.0}
    run_stage(tmp_path, "help", ("json.tool", "--help"))  # and takes nothing else with it
    assert seconds_of(tmp_path)["help"] > 0


def test_before_anything_ran_nothing_took_time(tmp_path: Path):
    assert seconds_of(tmp_path) == {}
