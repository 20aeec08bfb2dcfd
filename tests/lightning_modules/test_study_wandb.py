from __future__ import annotations

import socket
import sys
from pathlib import Path

import matplotlib.pyplot as plt

from deploy.wandb_records import read_runs
from lightning_modules.study_config import read_study
from lightning_modules.study_grid import rows_of
from lightning_modules.study_table import collect
from lightning_modules.study_wandb import log_report, log_row
from tests.lightning_modules.study_folder import write_finished
from tests.lightning_modules.test_study_config import study_file


def test_rows_and_plots_are_logged_offline_and_nothing_of_the_machine(tmp_path: Path):
    out = tmp_path / "study"
    study = read_study(study_file(tmp_path, out=str(out), wandb="mine"))
    row = rows_of(study)[0]
    write_finished(row, out, 0.2, int8=False)
    (line,) = collect(study.task, out, [row])
    log_row(study, line)
    plot = tmp_path / "a.png"
    plt.figure(figsize=(1, 1)).savefig(plot)
    log_report(study, [plot])
    of_row, of_plots = read_runs(out)
    assert [run.run["project"] for run in (of_row, of_plots)] == ["mine", "mine"]
    assert [run.run["run_group"] for run in (of_row, of_plots)] == [study.name, study.name]
    assert of_row.run["display_name"] == row.id
    assert of_row.config["labelled_clips"] == "20"
    assert of_row.summary["rooms_fp32_level_error"] == 0.2
    assert not [name for name in of_row.summary if "int8" in name]  # none, and not a zero
    (image,) = (of_plots.folder / "files" / "media").rglob("*.png")
    assert image.read_bytes() == plot.read_bytes()
    for run in (of_row, of_plots):
        assert run.run["host"] == "-"
        assert not list(run.folder.rglob("requirements.txt"))
        (log,) = run.folder.glob("*.wandb")
        told = log.read_bytes()
        private = (str(Path.cwd()), sys.executable, socket.gethostname())
        assert [word for word in private if len(word) > 3 and word.encode() in told] == []
