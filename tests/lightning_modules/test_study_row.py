"""What a row calls, with nothing run."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_modules import study_row
from lightning_modules.study_config import read_study
from lightning_modules.study_design import Row
from lightning_modules.study_grid import rows_of
from lightning_modules.study_row import Shared, prepare, run_row
from lightning_modules.study_task_counts import CountsStudy
from search_spaces.architecture import read_architecture
from search_spaces.cost import costs
from search_spaces.errors import UserError
from tests.lightning_modules.test_study_config import study_file

COMPARISONS = {
    "sizes": {"variant": "supervised", "max_mmacs": [5]},
    "searches": {"variant": "supervised", "hand_made": "nano.json"},
    "front_ends": {"variant": "supervised", "fixed": {"frontend_window_ms": 20}},
}


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    limits = {"max_params": 9000, "max_mmacs": 5.5}
    return rows_of(read_study(study_file(tmp_path, comparisons=COMPARISONS, limits=limits)))


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(study_row, "run_stage", lambda *stage: called.append(tuple(stage[2])))
    return called


def searched(row: Row, out: Path, called: list[tuple[str, ...]]) -> dict[str, str]:
    """Flags of the search of a row, each with its value."""
    study_row._choose(
        row, row.choice, Shared(CountsStudy({}), out, {}, None), out / "rows" / row.id
    )
    arguments = called.pop()
    assert arguments[:2] == ("search_spaces", "search")
    return dict(zip(arguments[2::2], arguments[3::2], strict=True))


def test_a_recipes_net_is_searched_within_the_limits(
    rows: list[Row], tmp_path: Path, called: list[tuple[str, ...]]
):
    flags = searched(rows[0], tmp_path, called)
    assert (flags["--max-params"], flags["--max-macs"]) == ("9000", "5500000.0")
    assert flags["--winners"] == "1"
    assert "--max-latency-ms" not in flags


def test_each_size_is_a_limit_of_its_own(
    rows: list[Row], tmp_path: Path, called: list[tuple[str, ...]]
):
    row = next(row for row in rows if row.comparison == "sizes" and row.choice)
    flags = searched(row, tmp_path, called)
    assert flags["--max-macs"] == "5000000.0"
    assert "--max-params" not in flags


def test_random_search_judges_as_many_nets_that_cost_no_more_than_the_hand_made_one(
    rows: list[Row], tmp_path: Path, called: list[tuple[str, ...]]
):
    search, random = (row for row in rows if row.comparison == "searches" and row.choice)
    macs = repr(float(costs(read_architecture(tmp_path / "nano.json")).macs))
    for row, population, generations in ((search, "4", "2"), (random, "8", "1")):
        flags = searched(row, tmp_path, called)
        assert flags["--max-macs"] == macs
        assert (flags["--population"], flags["--generations"]) == (population, generations)


def test_a_fixed_front_end_is_fixed(rows: list[Row], tmp_path: Path, called: list[tuple[str, ...]]):
    row = next(row for row in rows if row.chosen_by == "search behind one front end")
    assert searched(row, tmp_path, called)["--fix"] == "frontend_window_ms=20"


def test_a_given_net_is_not_searched(rows: list[Row], tmp_path: Path, called: list[object]):
    row = next(row for row in rows if row.net == "hand-made")
    path = study_row._choose(row, None, Shared(CountsStudy({}), tmp_path, {}, None), tmp_path)
    assert path == tmp_path / "fits" / row.fit.id / "frontier.json"
    assert called == []


def test_a_row_whose_net_another_one_did_not_find_says_so(rows: list[Row], tmp_path: Path):
    row = next(row for row in rows if row.net == "alone")
    with pytest.raises(UserError, match=r"needs the net of supervised-supernet-5mmac-.*none yet"):
        run_row(row, Shared(CountsStudy({}), tmp_path, {}, None))


def test_test_clips_of_both_protocols_and_the_cost_table_are_made_once(
    tmp_path: Path, called: list[tuple[str, ...]]
):
    study = read_study(study_file(tmp_path, out=str(tmp_path / "out"), cost_table="quick"))
    shared = prepare(study)
    assert [arguments[1] for arguments in called] == ["clips", "clips", "cost-table"]
    assert called[2][-1] == "--quick"
    assert all("test" in arguments for arguments in called[:2])
    for folder in shared.test_clips.values():
        folder.mkdir(parents=True)
    assert shared.cost_table is not None
    shared.cost_table.parent.mkdir(parents=True)
    shared.cost_table.touch()
    called.clear()
    prepare(study)
    assert called == []


def test_a_changed_study_measures_another_cost_table(tmp_path: Path, called: list[tuple[str, ...]]):
    def table_of(kind: str, space: str) -> Path | None:
        changes = {"cost_table": kind, "fit": {"model.space": space}}
        study = read_study(study_file(tmp_path, out=str(tmp_path / "out"), **changes))
        called.clear()
        table = prepare(study).cost_table
        assert [arguments[1] for arguments in called] == ["clips", "clips", "cost-table"]
        assert called[2][3] == space
        assert ("--quick" in called[2]) == (kind == "quick")
        assert table is not None
        table.parent.mkdir(parents=True)
        table.touch()
        return table

    asked = (("quick", "sam-nano"), ("full", "sam-nano"), ("quick", "sam-lite"))
    assert len({table_of(*each) for each in asked}) == 3
