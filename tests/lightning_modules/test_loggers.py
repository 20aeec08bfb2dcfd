from __future__ import annotations

from pathlib import Path

import pytest

from lightning_modules.loggers import StepCsvLogger
from search_spaces.errors import UserError


def test_values_of_one_step_share_a_row(tmp_path: Path):
    logger = StepCsvLogger(tmp_path / "metrics.csv")
    logger.log_metrics({"loss": 0.1}, step=0)
    logger.log_metrics({"loss": 0.2}, step=1)
    logger.log_metrics({"error": 1}, step=1)
    logger.save()
    assert (tmp_path / "metrics.csv").read_text() == "step,error,loss\n0,,0.1\n1,1.0,0.2\n"


def test_a_resume_keeps_earlier_rows_and_repeats_none(tmp_path: Path):
    first = StepCsvLogger(tmp_path / "metrics.csv")
    for step in range(4):
        first.log_metrics({"loss": step}, step=step)
    first.save()
    resumed = StepCsvLogger(tmp_path / "metrics.csv")
    resumed.log_metrics({"loss": 20}, step=2)
    resumed.finalize("success")
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert rows == ["step,loss", "0,0.0", "1,1.0", "2,20.0"]


def test_nothing_logged_writes_nothing(tmp_path: Path):
    StepCsvLogger(tmp_path / "metrics.csv").save()
    assert not (tmp_path / "metrics.csv").exists()


def test_a_step_is_needed(tmp_path: Path):
    with pytest.raises(ValueError, match="step: got None, expected a number"):
        StepCsvLogger(tmp_path / "metrics.csv").log_metrics({"loss": 1})


@pytest.mark.parametrize("content", [b"step;loss\n0;1.0\n", b"\xff\xfes\x00", b"step,loss\nx,1\n"])
def test_what_a_spreadsheet_made_of_the_rows_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "metrics.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"metrics\.csv: not as it was written; put that back"):
        StepCsvLogger(tmp_path / "metrics.csv").log_metrics({"loss": 1}, step=1)
