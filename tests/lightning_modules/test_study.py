from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_modules import study
from lightning_modules.study_config import SHIPPED, read_study
from lightning_modules.study_design import Row
from lightning_modules.study_fits import CLIPS, DONE, fit_folder, write_settings
from lightning_modules.study_grid import rows_of
from lightning_modules.study_progress import estimate
from lightning_modules.study_row import Shared, row_folder
from lightning_modules.study_stages import STAGES, StageFailedError
from search_spaces.errors import UserError
from search_spaces.file_lock import held
from tests.lightning_modules.study_folder import pretend_run, write_finished
from tests.lightning_modules.test_study_config import study_file


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return study_file(tmp_path, seeds=[1, 2, 3, 4], out=str(tmp_path / "out"))


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the rows that ran, with nothing trained; the first row of seed 2 fails once."""
    ran: list[str] = []

    def run(row: Row, shared: Shared) -> None:
        ran.append(row.id)
        if row.seed == 2 and ran.count(row.id) == 1:
            raise StageFailedError(f"{row.id}: fit ended with exit code 2", 2)
        pretend_run(row, shared)

    monkeypatch.setattr(study, "prepare", lambda asked: Shared(asked.task, asked.out, {}, None))
    monkeypatch.setattr(study, "check_settings", lambda *_: None)
    monkeypatch.setattr(study, "run_row", run)
    return ran


def lines(out: Path) -> list[dict[str, str]]:
    with (out / "study.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_failed_row_is_said_and_run_again_the_next_time(
    config: Path, ran: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    assert study.main(["--config", str(config)]) == 2
    errors = capsys.readouterr().err
    assert "fit ended with exit code 2; going on with the next row" in errors
    assert "[1 of 4 rows done, 3 left;" in errors
    assert "3 of 4 rows done, 1 failed" in errors
    assert [line["seed"] for line in lines(tmp_path / "out")] == ["1", "3", "4"]
    assert study.main(["--config", str(config)]) == 0
    assert len(ran) == 5
    assert [line["seed"] for line in lines(tmp_path / "out")] == ["1", "2", "3", "4"]
    assert "4 of 4 rows are finished" in (tmp_path / "out" / "results.md").read_text()


def test_a_study_in_which_everything_fails_stops(
    config: Path, ran: list[str], monkeypatch: pytest.MonkeyPatch
):
    def refuse(row: Row, shared: Shared) -> None:
        ran.append(row.id)
        raise UserError("no")

    monkeypatch.setattr(study, "run_row", refuse)
    with pytest.raises(UserError, match=r"^3 rows failed one after the other; see what they say"):
        study.main(["--config", str(config)])
    assert len(ran) == 3


def test_a_page_is_not_replaced_by_an_empty_one_or_over_another_file(
    config: Path, tmp_path: Path, ran: list[str]
):
    page = tmp_path / "page.md"
    page.write_text("# Study `mine`\n\nfigures\n")
    report = ["--config", str(config), "--report", "--results", str(page)]
    with pytest.raises(UserError, match=r"out: none of the 4 rows of study mine is finished; run"):
        study.main(report)
    assert "figures" in page.read_text()
    write_finished(rows_of(read_study(config))[0], tmp_path / "out", 0.2)
    for text, message in (
        ("# Study `other`\n", r"page.md is the page of another one \(Study `other`\); name anoth"),
        ("mine\n", "page.md is no study's page; name another file, or remove it"),
    ):
        page.write_text(text)
        with pytest.raises(UserError, match=message):
            study.main(report)
        assert page.read_text() == text
    page.unlink()
    assert study.main(report) == study.main(report) == 0  # its own is replaced
    assert ran == []


def test_a_study_without_a_finished_row_leaves_an_earlier_page(
    config: Path, ran: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    page = tmp_path / "page.md"
    page.write_text("# Study `mine`\n")
    monkeypatch.setattr(study, "_run_all", lambda *_: 2)
    assert study.main(["--config", str(config), "--results", str(page)]) == 2
    assert page.read_text() == "# Study `mine`\n"


def test_an_out_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "README.md").touch()
    config = study_file(tmp_path, out=str(tmp_path / "README.md"))
    with pytest.raises(UserError, match=r"mine.yaml: field out: .*README.md is a file; name a fo"):
        study.main(["--config", str(config)])


@pytest.mark.parametrize(("exit_code", "said"), [(2, ""), (-9, "clips was killed by SIGKILL")])
def test_what_a_command_has_said_is_not_said_twice(
    config: Path, ran: list[str], monkeypatch: pytest.MonkeyPatch, exit_code: int, said: str
):
    def refuse(_: object) -> Shared:
        raise StageFailedError("test_clips: clips was killed by SIGKILL", exit_code)

    monkeypatch.setattr(study, "prepare", refuse)
    if not said:
        assert study.main(["--config", str(config)]) == 2
        return
    with pytest.raises(StageFailedError, match=said):
        study.main(["--config", str(config)])


def test_clips_are_dropped_when_no_row_needs_them(config: Path, ran: list[str]):
    asked = read_study(config)
    for row in rows_of(asked):
        folder = fit_folder(asked.out, row.fit)
        folder.mkdir(parents=True)
        (folder / "clips.npz").touch()
    study.main(["--config", str(config)])
    left = [path.parent.name for path in asked.out.rglob("clips.npz")]
    assert [name.split("-s")[-1][0] for name in left] == ["2"]  # the row that failed


def test_a_dry_run_prints_the_rows_and_their_time(
    config: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    rows = rows_of(read_study(config))
    write_finished(rows[0], tmp_path / "out", 0.2)
    assert study.main(["--config", str(config), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert all(row.id in printed for row in rows)
    assert printed.count("done rows") == 0
    assert "4 rows of 4 trainings, 1 rows done; about" in printed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fit": {"data.bogus": 3}}, "does not accept option 'bogus'"),
        ({"speech": "/nowhere"}, "mine.yaml: field speech: /nowhere: no such folder"),
    ],
)
def test_a_dry_run_refuses_what_the_run_would(
    tmp_path: Path, changes: dict[str, Any], message: str
):
    with pytest.raises(UserError, match=message):
        study.main(["--config", str(study_file(tmp_path, **changes)), "--dry-run"])


def test_the_time_left_follows_what_was_measured(config: Path, tmp_path: Path):
    rows, out = rows_of(read_study(config)), tmp_path / "out"
    expected = {"supernet_step_s": 10.0, "alone_step_s": 1.0, "row_s": 60.0}
    assert estimate(out, rows, expected).left_s == pytest.approx(4 * (4 * 10 + 60))
    write_finished(rows[0], out, 0.2)
    for folder, seconds in ((fit_folder(out, rows[0].fit), 20), (row_folder(out, rows[0]), 30)):
        folder.mkdir(parents=True, exist_ok=True)
        line = f'{{"stage": "fit", "began": 0, "seconds": {seconds}, "exit_code": 0}}\n'
        (folder / STAGES).write_text(line)
    known = estimate(out, rows, expected)  # it took half of the 100 s expected
    assert known.done == 1
    assert known.left_s == pytest.approx(3 * 50)
    assert known.total_s == pytest.approx(4 * 50)


def test_what_a_short_training_takes_to_start_says_nothing_of_rows(config: Path, tmp_path: Path):
    rows, out = rows_of(read_study(config)), tmp_path / "out"
    expected = {"supernet_step_s": 0.5, "alone_step_s": 0.5, "row_s": 60.0}
    folder = fit_folder(out, rows[0].fit)
    folder.mkdir(parents=True)
    for name in (DONE, CLIPS):
        (folder / name).touch()
    (folder / STAGES).write_text('{"stage": "fit", "began": 0, "seconds": 24, "exit_code": 0}\n')
    assert estimate(out, rows, expected).left_s == pytest.approx(3 * 24 + 4 * 60)


def test_the_settings_of_a_fit_name_its_net_and_its_teacher(tmp_path: Path):
    sizes = {"sizes": {"variant": "supervised", "max_mmacs": [5]}}
    rows = rows_of(read_study(study_file(tmp_path, comparisons=sizes)))
    found, distilled = rows[1], rows[3]
    values = yaml.safe_load(write_settings(tmp_path, distilled.fit).read_text())
    assert values["model"]["architecture"] == str(
        tmp_path / "rows" / found.id / "architecture.json"
    )
    assert values["model"]["distil_from"] == str(fit_folder(tmp_path, found.fit) / "supernet.pt")
    assert values["trainer"]["default_root_dir"] == str(fit_folder(tmp_path, distilled.fit))


def test_two_studies_in_one_folder_are_refused(config: Path, ran: list[str], tmp_path: Path):
    with (
        held(tmp_path / "out" / ".lock", ""),
        pytest.raises(UserError, match=r"out: another study is at work here; wait for it"),
    ):
        study.main(["--config", str(config)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --config"),
        (
            ["--config", "huge"],
            "^--config huge: expected digits, digits-equal-total, digits-two-cores, equal-epochs,",
        ),
        (["--config", "smoke", "--report", "--dry-run"], "not allowed with argument --report"),
    ],
)
def test_bad_options_are_one_line(arguments: list[str], message: str):
    with pytest.raises(UserError, match=message):
        study.main(arguments)


def start(config: Path) -> subprocess.Popen[bytes]:
    arguments = ["-m", "lightning_modules", "study", "--config", str(config)]
    return subprocess.Popen([sys.executable, *arguments])


def until(condition: Any, seconds: float = 600.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.timeout(900)  # a minute; more where others use the cores too
def test_the_smoke_study_killed_amid_training_goes_on_to_its_table(
    prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ERSAM_CACHE", str(tmp_path / "cache"))
    values = yaml.safe_load((SHIPPED / "smoke.yaml").read_text())
    values |= {"speech": str(prepared_speech), "out": str(tmp_path / "out")}
    values["test"]["clips"] = 6
    (tmp_path / "smoke.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "nano.json").write_text((SHIPPED / "nano.json").read_text())
    process = start(tmp_path / "smoke.yaml")
    until(lambda: list((tmp_path / "out").glob("fits/*/stages.jsonl")))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    clips = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/test_clips").rglob("*.wav")}
    assert len(clips) == 12

    assert start(tmp_path / "smoke.yaml").wait() == 0
    assert all(path.stat().st_mtime_ns == at for path, at in clips.items())  # kept
    (line,) = lines(tmp_path / "out")
    for protocol in ("libricount", "rooms"):
        for precision in ("fp32", "int8"):
            assert 0 <= float(line[f"{protocol}_{precision}_level_error"]) <= 1
            assert float(line[f"{protocol}_{precision}_ece_before"]) >= 0
    assert float(line["fit_seconds"]) > 0
    with (tmp_path / "out" / "test_reads.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 4
    assert (tmp_path / "out" / "results" / "smoke-labels-libricount.png").exists()
    assert not list((tmp_path / "out").rglob("clips.npz"))
