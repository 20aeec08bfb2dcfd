from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_modules.study_check import check_settings
from lightning_modules.study_config import SHIPPED, read_study, set_dotted
from lightning_modules.study_grid import rows_of
from lightning_modules.study_task_classes import ClassesStudy
from lightning_modules.study_task_counts import CountsStudy
from search_spaces.errors import UserError

STUDIES = sorted(SHIPPED.glob("*.yaml"))


def study_file(folder: Path, **changes: Any) -> Path:
    """The smoke study with other fields; None leaves one out."""
    values = {**yaml.safe_load((SHIPPED / "smoke.yaml").read_text()), "net": "supernet"}
    values["search"] = {"population": 4, "generations": 2}
    values |= changes
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in values.items() if v is not None}))
    (folder / "nano.json").write_text((SHIPPED / "nano.json").read_text())
    return path


EXPECTED = {"machine": "m", "supernet_step_s": 1.0, "alone_step_s": 1.0}
ROWS = {
    "digits-equal-total": 19,
    "digits-two-cores": 80,
    "digits": 288,
    "equal-epochs": 19,
    "full": 672,
    "smoke": 1,
    "two-cores": 31,
}


def test_there_are_seven_studies():
    assert [path.stem for path in STUDIES] == list(ROWS)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_shipped_study_can_be_instantiated(path: Path, monkeypatch: pytest.MonkeyPatch):
    for task in (ClassesStudy, CountsStudy):
        monkeypatch.setattr(task, "check_data", lambda *_: None)  # no dataset is here
    study = read_study(path)
    found = rows_of(study)
    assert len(found) == len({row.id for row in found}) == ROWS[path.stem]
    check_settings(study, found)


def test_the_digits_are_compared_at_six_sizes_after_equal_steps():
    study = read_study(SHIPPED / "digits.yaml")
    sizes = [row for row in rows_of(study) if row.comparison == "sizes"]
    assert len({row.size_mmacs for row in sizes}) == 6
    assert {row.net for row in sizes} == {"supernet", "alone", "distilled"}
    assert len({row.fit.steps for row in sizes}) == 1
    assert len({(row.seed, row.protocol) for row in sizes}) == 12


def test_the_full_study_is_the_whole_grid():
    study = read_study(SHIPPED / "full.yaml")
    assert study.grid["budgets"] == [10, 25, 50, 100, 500, "all"]
    assert len(study.grid["seeds"]) == 3
    assert len(study.ablation) == 10
    assert len(study.comparisons["sizes"]["max_mmacs"]) == 5
    tried = {(row.comparison, row.net, row.chosen_by) for row in rows_of(study)}
    assert {("sizes", "distilled", "given"), ("searches", "hand-made", "given")} <= tried
    assert ("searches", "supernet", "random search") in tried
    assert ("front_ends", "supernet", "search behind one front end") in tried


def test_a_variant_switches_every_ingredient_on_or_off():
    study = read_study(SHIPPED / "full.yaml")
    settings = study.variant("without augmentation").settings(study.task.ingredients)
    assert settings["model.strong_augmentation.enabled"] is False
    assert settings["model.weak_augmentation.speed"] == 0.0
    assert settings["model.pseudo_labels.alignment"] == 1.0
    enabled = {name: value for name, value in settings.items() if name.endswith("enabled")}
    assert sum(enabled.values()) == 4
    only = study.variant("with additivity").settings(study.task.ingredients)
    assert [name for name, value in only.items() if value is True] == ["model.additivity.enabled"]


COMPARISON = {"sizes": {"variant": "nobody", "max_mmacs": [5]}}
TWICE = [{"name": "a", "ingredients": []}, {"name": "a", "ingredients": "all"}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, r"mine.yaml: field \$: Additional properties .*'colour' was unexpec"),
        ({"seeds": []}, r"mine.yaml: field \$.seeds: \[\] "),
        ({"protocols": ["party"]}, r"mine.yaml: field \$.protocols\[0\]: 'party' is not one of"),
        ({"fit": {"model": 3}}, r"mine.yaml: field \$.fit: 'model' does not match"),
        ({"fit": {"trainer.callbacks.9.x": 3}}, "'trainer.callbacks.9.x': leads nowhere in the"),
        ({"budgets": ["all"]}, "mine.yaml: field all_clips: missing, though a budget is 'all'"),
        ({"search": None}, "mine.yaml: field search: missing, though nets are searched"),
        ({"variants": TWICE}, "mine.yaml: field variants: two are called 'a'; rename one"),
        ({"comparisons": COMPARISON}, "variant 'nobody' is not among the variants: supervised"),
        ({"fit_config": "huge"}, "mine.yaml: field fit_config: .*huge: no such file"),
        (
            {"expected": {**EXPECTED, "row_s": float("nan")}},
            r"mine.yaml: field \$.expected.row_s: nan is not of type 'number'",
        ),
        (
            {"search": {"population": 10**9, "generations": 2}},
            r"field \$.search.population: 1000000000 is greater than the maximum of 10000",
        ),
        ({"net": "lost.json"}, "mine.yaml: field net: .*lost.json: no such file"),
        ({"limits": {"max_latency_ms": 1}}, "limits.max_latency_ms: needs cost_table: quick or"),
        (
            {"net": "nano.json", "ablation": {"leave_one_out": ["distillation"]}},
            "field ablation: 'distillation' needs net: supernet; one fixed net has no",
        ),
    ],
)
def test_a_bad_study_is_one_line_that_names_the_field(
    tmp_path: Path, changes: dict[str, Any], message: str
):
    with pytest.raises(UserError, match=message) as caught:
        read_study(study_file(tmp_path, **changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (
            {"model.colour": "red"},
            r"'supervised': Group 'model' does not accept option 'colour'",
        ),
        ({"trainer.accelerator": [3]}, r"mine.yaml: variant 'supervised': .*trainer.accelerator"),
        (
            {"model.initial_weights": "lost.pt"},
            "mine.yaml: variant 'supervised': model.initial_weights: lost.pt: no such file or fold",
        ),
        ({"data.recordings": "lost.csv"}, "'supervised': data.recordings: lost.csv: no such file"),
    ],
)
def test_a_bad_setting_of_fit_is_named(tmp_path: Path, fit: dict[str, Any], message: str):
    study = read_study(study_file(tmp_path, fit=fit))
    with pytest.raises(UserError, match=message):
        check_settings(study, rows_of(study))


def test_what_is_no_yaml_is_refused(tmp_path: Path):
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(UserError, match=r"broken.yaml: not valid YAML"):
        read_study(tmp_path / "broken.yaml")
    with pytest.raises(UserError, match=r"none.yaml: no such file"):
        read_study(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("[1]")
    with pytest.raises(UserError, match=r"list.yaml: expected settings by name, got list"):
        read_study(tmp_path / "list.yaml")


def test_a_dotted_name_leads_through_lists():
    settings: dict[str, Any] = {"a": [{"b": 1}, {"b": 2}]}
    set_dotted(settings, "a.1.b", 5)
    set_dotted(settings, "c.d", 6)
    assert settings == {"a": [{"b": 1}, {"b": 5}], "c": {"d": 6}}
