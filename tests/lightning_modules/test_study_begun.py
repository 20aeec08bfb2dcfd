"""A recipe that begins with another training: who shares it, what `fit` is given, what it took."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_modules.study_check import check_settings
from lightning_modules.study_config import Study, read_study
from lightning_modules.study_fits import fit_folder, write_settings
from lightning_modules.study_grid import rows_of
from lightning_modules.study_report import write_report
from lightning_modules.study_table import collect
from search_spaces.errors import UserError
from tests.lightning_modules.study_folder import write_finished
from tests.lightning_modules.test_study_config import study_file

BEGUN = {"fit_config": "smoke", "steps": 7, "fit": {"data.speech": "espeak:9"}}
VARIANTS = [
    {"name": "supervised", "ingredients": []},
    {"name": "voices", "ingredients": [], "begins_with": BEGUN},
]


def study(folder: Path, **changes: Any) -> Study:
    """Two recipes of one net, out into the folder; the second begins with other speech."""
    return read_study(study_file(folder, variants=VARIANTS, out=str(folder), **changes))


def settings(folder: Path) -> dict[str, Any]:
    """What `fit` was given."""
    return yaml.safe_load((folder / "fit.yaml").read_text())


def test_budgets_and_protocols_share_it_and_seeds_do_not(tmp_path: Path):
    rows = rows_of(
        study(tmp_path, budgets=[20, 30], protocols=["libricount", "rooms"], seeds=[1, 2])
    )
    voices = [row for row in rows if row.variant == "voices"]
    begun = {row.fits[0].id for row in voices}
    assert [len(row.fits) for row in voices] == [2] * 8
    assert begun == {row.fit.begins_with.id for row in voices if row.fit.begins_with}
    assert len(begun) == 2
    assert all(len(row.fits) == 1 for row in rows if row.variant == "supervised")


def test_other_rows_keep_their_names_and_its_own_change_with_it(tmp_path: Path):
    named = {row.variant: row.id for row in rows_of(study(tmp_path))}
    plain = rows_of(read_study(study_file(tmp_path, variants=VARIANTS[:1], out=str(tmp_path))))
    assert [row.id for row in plain] == [named["supervised"]]
    changed = [VARIANTS[0], {**VARIANTS[1], "begins_with": {**BEGUN, "steps": 8}}]
    again = rows_of(read_study(study_file(tmp_path, variants=changed, out=str(tmp_path))))
    assert again[0].id == named["supervised"]
    assert again[1].id != named["voices"]


@pytest.mark.parametrize(
    ("net", "weights"), [("nano.json", "subnet.pt"), ("supernet", "supernet.pt")]
)
def test_fit_begins_with_its_weights_and_finds_single_voices_with_its_net(
    tmp_path: Path, net: str, weights: str
):
    asked = study(tmp_path, net=net)
    check_settings(asked, rows_of(asked))
    row = rows_of(asked)[1]
    for fit in row.fits:
        write_settings(tmp_path, fit)
    begun, own = (settings(fit_folder(tmp_path, fit)) for fit in row.fits)
    assert begun["data"]["speech"] == "espeak:9"
    assert begun["trainer"]["max_steps"] == 7
    assert begun["model"]["architecture"] == own["model"].get("architecture")
    expected = str(fit_folder(tmp_path, row.fits[0]) / weights)
    assert own["model"]["initial_weights"] == own["data"]["singles_from"] == expected
    assert "initial_weights" not in begun["model"]


def test_settings_that_stay_the_same_keep_their_time(tmp_path: Path):
    fit = rows_of(study(tmp_path))[0].fit
    path = write_settings(tmp_path, fit)
    os.utime(path, (1.0, 1.0))
    assert write_settings(tmp_path, fit).stat().st_mtime == 1.0
    path.write_text("other: true")
    assert write_settings(tmp_path, fit).stat().st_mtime > 1.0


def test_a_distilled_net_waits_for_all_that_its_teacher_began_with(tmp_path: Path):
    sizes = {"sizes": {"variant": "voices", "max_mmacs": [5]}}
    distilled = rows_of(study(tmp_path, comparisons=sizes))[-1]
    assert distilled.net == "distilled"
    assert distilled.fit.begins_with is not None
    assert distilled.fit.taught_by is not None
    taught_by = distilled.fit.taught_by
    assert distilled.fits == (
        distilled.fit.begins_with, taught_by.begins_with, taught_by, distilled.fit,
    )  # fmt: skip


def test_its_time_is_in_every_row_and_counts_once_in_all(tmp_path: Path):
    asked = study(tmp_path, budgets=[20, 30])
    rows = rows_of(asked)
    begun = next(row.fit.begins_with for row in rows if row.fit.begins_with)
    folder = fit_folder(tmp_path, begun)
    folder.mkdir(parents=True)
    stage = {"stage": "fit", "began": 0.0, "seconds": 600.0, "exit_code": 0}
    (folder / "stages.jsonl").write_text(json.dumps(stage) + "\n")
    for row in rows:
        write_finished(row, tmp_path, 0.1)
    table = collect(asked.task, tmp_path, rows)
    assert [line["begin_seconds"] for line in table] == ["0.0", "600.0"] * 2
    write_report(asked, len(rows), table, tmp_path / "results.md")
    text = (tmp_path / "results.md").read_text()
    assert text.count("| 10.0 |\n") == 2
    assert "5 trainings took 10 minutes" in text


def test_classes_have_no_single_voices(tmp_path: Path):
    changes: dict[str, Any] = dict.fromkeys(("speech", "protocols", "test", "rooms"))
    changes |= {"fit_config": "folder", "root": str(tmp_path)}
    with pytest.raises(UserError, match=r"variant 'voices': begins_with is of counts alone"):
        study(tmp_path, **changes)
