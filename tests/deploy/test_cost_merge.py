"""Cost tables of several phones of one model: the median, who differs, and what is refused."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.__main__ import main
from deploy.cost_merge import compare_pieces, disagreements, merge_tables, pieces_csv
from search_spaces.cost_table import CostTable, Piece, read_cost_table, write_cost_table
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from tests.search_spaces.synthetic_device import synthetic_table

NANO = get_space("sam-nano")
TABLE = synthetic_table(NANO, subnets=12)
METERED = synthetic_table(NANO, subnets=12, energy=True)


def scaled(table: CostTable, factor: float, only: int | None = None) -> CostTable:
    """The table of a phone that is slower; ``only``: in that whole net alone."""

    def piece(number: int, one: Piece) -> Piece:
        if only not in (None, number):
            return one
        ms = {precision: factor * value for precision, value in one.latency_ms.items()}
        mj = {precision: factor * value for precision, value in one.energy_mj.items()}
        return replace(one, latency_ms=ms, energy_mj=mj)

    return replace(
        table,
        pieces=tuple(piece(number, one) for number, one in enumerate(table.pieces)),
        held_out_pieces=tuple(piece(-1, one) for one in table.held_out_pieces),
    )


def test_every_figure_is_the_median_of_the_phones():
    phones = {"A": TABLE, "B": scaled(TABLE, 1.2), "C": scaled(TABLE, 3.0)}
    merged = merge_tables(phones)
    known = {tuple(piece.choices.items()): piece.latency_ms for piece in TABLE.pieces}
    for piece in merged.pieces:
        expected = known[tuple(piece.choices.items())]
        assert piece.latency_ms == pytest.approx({p: 1.2 * ms for p, ms in expected.items()})
    assert merged.method == "median of 3 phones, of each: computed"
    assert (merged.device, merged.threads) == (TABLE.device, TABLE.threads)
    judged = merged.held_out("latency_ms", "fp32")
    assert judged is not None
    assert judged.within_10_percent > 0.8  # fitted anew, to the medians
    assert merged.energy == {"method": None, "reason": "not of every phone: no meter on this host"}


def test_energy_is_merged_where_every_phone_metered_it_alike():
    merged = merge_tables({"A": METERED, "B": scaled(METERED, 2.0)})
    assert merged.energy == {"method": "computed", "reason": None}
    assert merged.pieces[0].energy_mj["fp32"] == pytest.approx(
        1.5 * METERED.pieces[0].energy_mj["fp32"]
    )
    assert merged.has("energy_mj", "int8")
    reason = merge_tables({"A": METERED, "B": TABLE}).energy["reason"]
    assert reason == "not of every phone: no meter on this host"
    rails = replace(METERED, energy={"method": "rails", "reason": None})
    reason = merge_tables({"A": METERED, "B": rails}).energy["reason"]
    assert reason == "metered in different ways: computed; rails"


def test_pieces_on_which_phones_differ_are_named():
    last = len(TABLE.pieces) - 1  # a whole net
    phones = {"A": TABLE, "B": scaled(TABLE, 1.3, only=last)}
    compared = compare_pieces(phones)
    assert [round(figures.ratio, 6) for figures in compared[:3]] == [1.3, 1.3, 1.0]
    assert {figures.precision for figures in compared[:2]} == {"fp32", "int8"}
    lines = disagreements(phones, 0.1)
    assert lines[0] == "A: takes 1.000 times as long as the median phone"
    assert lines[2] == f"2 of {len(compared)} pieces differ by more than 10 %, the most by 30.0 %"
    assert lines[3].startswith(f"  {compared[0].piece} {compared[0].precision}: ")
    assert lines[3].endswith("ms, ratio 1.300")
    assert len(lines) == 5
    assert len(disagreements(phones, 0.4)) == 3


def test_a_front_end_is_compared_at_every_precision():
    compared = compare_pieces({"A": TABLE, "B": scaled(TABLE, 1.1)})
    frontends = [figures for figures in compared if figures.piece.startswith("frontend")]
    assert len({(each.piece, each.precision) for each in frontends}) == len(frontends) == 4
    rows = list(csv.DictReader(pieces_csv({"A": TABLE, "B": TABLE}).splitlines()))
    assert list(rows[0]) == ["piece", "precision", "A ms", "B ms", "ratio"]
    assert len(rows) == len(compared)
    assert {row["ratio"] for row in rows} == {"1.0000"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"device": {"name": "Pixel 4"}}, "B: device.name is 'Pixel 4', in A it is 'synthetic'"),
        (
            {"device": {"name": "synthetic", "os": "Android 14"}},
            "B: device.os is 'Android 14', in A it is None; only tables of one phone model",
        ),
        ({"threads": 2}, "B: threads is 2, in A it is 1"),
        (
            {"runtime": {"name": "executorch", "version": "1.5"}},
            r"runtime.version is '1\.5', in A it is '1\.4\.1'",
        ),
        ({"method": "smallest of 3"}, "B: method is 'smallest of 3', in A it is 'computed'"),
        ({"space": {"name": "sam-lite", "version": 1}}, "B: space.name is 'sam-lite', in A it"),
        ({"pieces": TABLE.pieces[:-1]}, r"B: lacks net-\w+ fp32 to fit, which A holds; measure b"),
    ],
)
def test_unlike_tables_are_refused(changed: dict[str, Any], message: str):
    with pytest.raises(UserError, match=message):
        merge_tables({"A": TABLE, "B": replace(TABLE, **changed)})


def test_one_table_is_refused():
    with pytest.raises(UserError, match="got 1 cost table, expected at least two to merge"):
        merge_tables({"A": TABLE})


def test_the_command_writes_a_table_that_the_search_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    write_cost_table(paths[0], TABLE)
    write_cost_table(paths[1], scaled(TABLE, 1.02))
    out = tmp_path / "merged.json"
    arguments = ["merge-cost-tables", *map(str, paths), "--out", str(out)]
    assert main([*arguments, "--tolerance", "0.01"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("synthetic: 2 phones\n")
    assert f"{paths[1]}: takes 1.010 times as long as the median phone" in printed
    assert "differ by more than 1 %, the most by 2.0 %" in printed
    assert read_cost_table(out).has("latency_ms", "int8")
    assert len((tmp_path / "merged.phones.csv").read_text().splitlines()) > 20
    assert main(["merge-cost-tables", str(paths[0]), "--out", str(out)]) == 2
    assert "got 1 cost table" in capsys.readouterr().err
    assert main(["merge-cost-tables", *map(str, paths), "--out", str(paths[1])]) == 2
    assert "b.json is one of the tables that are merged; name another" in capsys.readouterr().err
    spelled = f"{tmp_path}/../{tmp_path.name}/a.json"
    assert main(["merge-cost-tables", str(paths[0]), spelled, "--out", str(out)]) == 2
    assert f"{spelled}: is the same table as {paths[0]}; give each" in capsys.readouterr().err
