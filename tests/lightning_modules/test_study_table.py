from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lightning_modules.study_config import read_study
from lightning_modules.study_design import Row
from lightning_modules.study_grid import rows_of
from lightning_modules.study_reads import READS, count_reads
from lightning_modules.study_table import collect
from lightning_modules.study_task_counts import CountsStudy
from tests.lightning_modules.study_folder import write_finished
from tests.lightning_modules.test_study_config import study_file

COUNTS = CountsStudy({})


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    return rows_of(read_study(study_file(tmp_path, seeds=[1, 2, 3])))


def groups(out: Path) -> list[dict[str, str]]:
    with (out / "groups.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_finished_row_is_one_line_with_figures_intervals_and_compute(
    rows: list[Row], tmp_path: Path
):
    write_finished(rows[0], tmp_path, 0.2)
    (line,) = collect(COUNTS, tmp_path, rows)
    assert line["row"] == rows[0].id
    assert line["labelled_clips"] == "20"
    assert line["labelled_clips_seen"] == str(4 * 16)
    assert line["steps"] == "4"
    assert line["predicted_int8_latency_ms"] == "0.4"
    for protocol in ("libricount", "rooms"):
        for precision in ("fp32", "int8"):
            ends = [line[f"{protocol}_{precision}_level_error{end}"] for end in ("", "_low")]
            assert ends == ["0.2", "0.1"]
    assert (line["rooms_fp32_ece_before"], line["rooms_fp32_ece"]) == ("0.15", "0.05")
    assert line["fit_seconds"] == "0.0"
    assert "cores" in line["machine"]


def test_rows_come_in_the_order_of_the_study_and_may_lack_int8(rows: list[Row], tmp_path: Path):
    write_finished(rows[2], tmp_path, 0.4)
    write_finished(rows[0], tmp_path, 0.2, int8=False)
    lines = collect(COUNTS, tmp_path, rows)
    assert [line["seed"] for line in lines] == ["1", "3"]
    assert [line["rooms_int8_mae"] for line in lines] == ["", "0.4"]
    assert lines[0]["int8_reason"] == "int8 was refused"
    with (tmp_path / "study.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == lines


def test_groups_are_by_count_snr_rt60_and_sex(rows: list[Row], tmp_path: Path):
    write_finished(rows[0], tmp_path, 0.2)
    collect(COUNTS, tmp_path, rows)
    lines = [line for line in groups(tmp_path) if line["precision"] == "fp32"]
    lines = [line for line in lines if line["test_protocol"] == "rooms"]
    assert [(line["by"], line["group"], line["clips"]) for line in lines] == [
        ("count", "3", "4"),
        ("snr_db", "below 5", "4"),
        ("snr_db", "25 and more", "4"),
        ("rt60_s", "0.2 to 0.3", "4"),
        ("sex", "women", "4"),
    ]
    assert [lines[0][name] for name in ("mae", "mae_low", "mae_high")] == ["0.2", "0.1", "0.3"]


def test_reads_of_test_clips_are_counted(rows: list[Row], tmp_path: Path):
    write_finished(rows[0], tmp_path, 0.2)
    write_finished(rows[0], tmp_path, 0.2)  # evaluated anew after a kill: read again
    write_finished(rows[1], tmp_path, 0.2, int8=False)
    assert count_reads(tmp_path) == {"libricount-4-s0": (5, 2), "rooms-4-s0": (5, 2)}


def test_nothing_was_read_before_anything_was_judged(tmp_path: Path):
    assert count_reads(tmp_path) == {}


def test_reads_are_counted_from_a_table_that_a_full_disk_cut(rows: list[Row], tmp_path: Path):
    """Of the first write nothing came, or a part of a later one; both are gone on with."""
    path = tmp_path / READS
    path.touch()
    write_finished(rows[0], tmp_path, 0.2)
    assert path.read_text().startswith("time,row,net,precision,clips\n")
    counted = {"libricount-4-s0": (2, 1), "rooms-4-s0": (2, 1)}
    assert count_reads(tmp_path) == counted
    whole = path.read_text()
    path.write_text(f"{whole}2026-11-30T21:00:00+00:00,{rows[0].id}")
    assert count_reads(tmp_path) == counted
    write_finished(rows[1], tmp_path, 0.2, int8=False)
    assert count_reads(tmp_path) == {"libricount-4-s0": (3, 2), "rooms-4-s0": (3, 2)}
    path.write_text(whole.split("\n", 1)[1])  # as earlier versions went on with an empty file
    assert count_reads(tmp_path) == counted
