from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.study_config import read_study
from lightning_modules.study_design import Row
from lightning_modules.study_grid import rows_of
from search_spaces.errors import UserError
from tests.lightning_modules.test_study_config import study_file

VARIANTS = [
    {"name": "supervised", "ingredients": []},
    {"name": "everything", "ingredients": "all"},
]


def rows(folder: Path, **changes: Any) -> list[Row]:
    return rows_of(read_study(study_file(folder, variants=VARIANTS, **changes)))


def test_the_grid_is_every_variant_at_every_place(tmp_path: Path):
    found = rows(tmp_path, budgets=[20, "all"], all_clips=60, seeds=[1, 2])
    assert [(row.variant, row.clips, row.seed) for row in found] == [
        (variant, clips, seed)
        for seed in (1, 2)
        for clips in (20, 60)
        for variant in ("supervised", "everything")
    ]


def test_alternatives_draw_as_many_clips_a_step(tmp_path: Path):
    supervised, everything = (row.fit.values["data"] for row in rows(tmp_path))
    assert supervised["unlabelled_batch_size"] == 0
    assert supervised["labelled_batch_size"] == 16
    assert everything["labelled_batch_size"] == everything["unlabelled_batch_size"] == 8


def test_an_ablation_has_a_grid_of_its_own(tmp_path: Path):
    ablation = {"leave_one_out": ["additivity"], "add_one_in": ["additivity"], "budgets": [30]}
    found = rows(tmp_path, ablation=ablation)
    assert [(row.variant, row.clips) for row in found[2:]] == [
        ("with additivity", 30),
        ("without additivity", 30),
    ]


def test_what_a_row_builds_on_comes_before_it_and_one_supernet_serves_all(tmp_path: Path):
    comparisons = {
        "sizes": {"variant": "everything", "max_mmacs": [5, 6]},
        "searches": {"variant": "everything", "hand_made": "nano.json"},
        "front_ends": {"variant": "everything", "fixed": {"frontend_window_ms": 20}},
    }
    found = rows(tmp_path, comparisons=comparisons)
    assert len({row.id for row in found}) == len(found) == 2 + 6 + 3 + 2
    seen: set[str] = set()
    for row in found:
        assert row.fit.like is None or row.fit.like.id in seen
        seen.add(row.id)
    shared = {row.fit.id for row in found if row.net == "supernet" and row.variant == "everything"}
    assert len(shared) == 1
    distilled = [row for row in found if row.net == "distilled"]
    assert {row.fit.taught_by.id for row in distilled if row.fit.taught_by} == shared
    assert len(distilled) == 2
    dear = [row.choice for row in found if row.comparison == "searches" and row.choice]
    assert [(each.population, each.generations) for each in dear] == [(4, 2), (8, 1)]
    assert {each.as_dear_as for each in dear} == {str(tmp_path / "nano.json")}


def test_another_setting_is_another_row_and_the_same_one_is_not(tmp_path: Path):
    ids = [row.id for row in rows(tmp_path)]
    assert [row.id for row in rows(tmp_path)] == ids
    assert not set(ids) & {row.id for row in rows(tmp_path, fit={"model.ema_decay": 0.9})}
    assert not set(ids) & {row.id for row in rows(tmp_path, test={"clips": 22, "seed": 1})}
    assert not set(ids) & {row.id for row in rows(tmp_path, cost_table="quick")}
    assert not set(ids) & {
        row.id for row in rows(tmp_path, search={"population": 5, "generations": 2})
    }


def test_another_architecture_in_the_same_file_is_another_row(tmp_path: Path):
    before = rows(tmp_path, net="nano.json")[0].fit.id
    path = study_file(tmp_path, variants=VARIANTS, net="nano.json")
    net = tmp_path / "nano.json"
    net.write_text(net.read_text().replace('"mean"', '"mean_max"'))
    assert rows_of(read_study(path))[0].fit.id != before


def test_another_net_in_the_file_of_the_limit_is_another_search(tmp_path: Path):
    comparisons = {"searches": {"variant": "everything", "hand_made": "nano.json"}}
    path = study_file(tmp_path, variants=VARIANTS, comparisons=comparisons)
    net = tmp_path / "nano.json"
    found = rows_of(read_study(path))
    before = {row.id for row in found if row.choice and row.choice.as_dear_as}
    plain = {row.id for row in found if row.comparison == "variants"}
    assert len(before) == 2
    net.write_text(net.read_text().replace('"mean"', '"mean_max"'))
    after = {row.id for row in rows_of(read_study(path))}
    assert plain < after
    assert not before & after


@pytest.mark.parametrize("variant", [True, False])
def test_a_setting_that_the_grid_decides_is_refused(tmp_path: Path, variant: bool):
    own = {"fit": {"trainer.max_steps": 77}}
    options = {"variants": [{**VARIANTS[0], **own}]} if variant else own
    study = read_study(study_file(tmp_path, **{"variants": VARIANTS[:1], **options}))
    with pytest.raises(
        UserError, match=r"field fit: trainer\.max_steps is what the study itself s"
    ):
        rows_of(study)


def test_a_base_without_its_batch_is_refused(tmp_path: Path):
    study = read_study(study_file(tmp_path, variants=VARIANTS))
    bare = dataclasses.replace(study, base={"model": {"space": "sam-nano"}})
    with pytest.raises(UserError, match=r"fit_config: lacks data\.labelled_batch_size, which"):
        rows_of(bare)
