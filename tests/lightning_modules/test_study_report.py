from __future__ import annotations

from pathlib import Path

import pytest

from lightning_modules.study_config import read_study
from lightning_modules.study_grid import rows_of
from lightning_modules.study_report import write_report
from lightning_modules.study_summary import Summary, summarise
from lightning_modules.study_table import collect
from tests.lightning_modules.study_folder import write_finished
from tests.lightning_modules.test_study_config import study_file

SIZES = {"sizes": {"variant": "supervised", "max_mmacs": [5]}}


def line(seed: int, error: float) -> dict[str, str]:
    return {"seed": str(seed), "e": str(error), "e_low": str(error / 2), "e_high": str(2 * error)}


def test_several_seeds_have_a_mean_and_a_range_and_one_has_its_interval():
    several = Summary({}, (line(1, 0.2), line(2, 0.4)))
    assert several.mean("e") == pytest.approx(0.3)
    assert several.range("e") == (0.2, 0.4)
    assert Summary({}, (line(1, 0.2),)).range("e") == (0.1, 0.4)
    assert Summary({}, (line(1, 0.2),)).mean("missing") is None
    assert Summary({}, (line(1, 0.2),)).range("missing") is None


def test_the_page_holds_a_row_per_summary_the_reads_and_the_plots(tmp_path: Path):
    path = study_file(tmp_path, seeds=[1, 2], comparisons=SIZES, out=str(tmp_path))
    study = read_study(path)
    rows = rows_of(study)
    for row in rows:
        write_finished(row, tmp_path, 0.1 * row.seed, int8=row.seed == 1)
    table = collect(study.task, tmp_path, rows)
    assert len(summarise(study.task, table)) == 4  # the recipe, and three nets of one size
    plots = write_report(study, 99, table, tmp_path / "docs" / "results.md")
    text = (tmp_path / "docs" / "results.md").read_text()
    assert f"{len(rows)} of 99 rows are finished" in text
    assert "15.0 (10.0 to 20.0), 0.15 (0.10 to 0.20)" in text
    assert "10.0 (0.0 to 20.0) | 10.0 (0.0 to 20.0) | 0.150, 0.050" in text  # int8 of one seed
    assert "| distilled, 5 MMAC | given | 20 | libricount | 2 | 5 k | 4.0 |" in text
    assert "## Where the best net errs: libricount" in text
    assert "## Where the best net errs: rooms" not in text  # no net was trained there
    assert "| people | 3 | 4 | 10.0 (0.0 to 20.0) | 0.10 (0.00 to 0.20) |" in text
    assert "| SNR, dB | below 5 | 4 | 10.0 (0.0 to 20.0) |" in text
    assert "| sex | women | 4 | 10.0 (0.0 to 20.0) |" in text
    assert f"| `rooms-4-s0` | {len(rows) + len(rows) // 2} | {len(rows)} |" in text
    assert [plot.name for plot in plots] == [
        "mine-labels-libricount.png",
        "mine-sizes-libricount.png",
    ]
    for plot in plots:
        assert plot.read_bytes().startswith(b"\x89PNG")
        assert f"(results/{plot.name})" in text


def test_a_study_without_a_row_has_a_page_too(tmp_path: Path):
    study = read_study(study_file(tmp_path, out=str(tmp_path)))
    assert write_report(study, 1, [], tmp_path / "results.md") == []
    assert "0 of 1 rows are finished" in (tmp_path / "results.md").read_text()


def test_rows_of_an_earlier_version_without_what_they_began_with_are_reported(tmp_path: Path):
    study = read_study(study_file(tmp_path, out=str(tmp_path)))
    rows = rows_of(study)
    write_finished(rows[0], tmp_path, 0.1)
    older = [
        {name: value for name, value in line.items() if not name.startswith("begin")}
        for line in collect(study.task, tmp_path, rows)
    ]
    write_report(study, 1, older, tmp_path / "results.md")
    assert "1 trainings took 0 minutes" in (tmp_path / "results.md").read_text()
