import json
from pathlib import Path

import pytest

from benchmarks.machine import describe_machine, figure, write_result
from benchmarks.summary import figures_table, main, read_results, replace_section
from search_spaces.errors import UserError


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    figures = [
        figure("latency int8", 0.8123, "ms", target="< 0.9 ms"),
        figure("energy", None, "mJ", target="< 2 mJ", reason="no meter on this host"),
        figure("front end", 40.0, "%"),
    ]
    write_result("latency", "python -m benchmarks.latency", figures, out=folder / "latency.json")
    return folder


def test_a_result_says_where_and_when(results):
    result = json.loads((results / "latency.json").read_text())
    assert result["machine"].keys() == {"cpu", "cores", "os", "python", "versions", "date"}
    assert result["machine"]["versions"]["torch"]


def test_rows_of_figures_with_a_target_hold_command_and_machine(results):
    machine = describe_machine()
    first, second = figures_table(read_results(results)).splitlines()[2:]
    assert first == (
        "| latency int8 | 0.812 ms | < 0.9 ms | `python -m benchmarks.latency` |"
        f" {machine['date']} | {machine['cpu']}, {machine['cores']} cores |"
    )
    assert "| not measured: no meter on this host |" in second


def test_the_command_rewrites_only_the_section(results, tmp_path, monkeypatch, capsys):
    page = tmp_path / "figures.md"
    page.write_text("before\n<!-- figures:begin -->\nold\n<!-- figures:end -->\nafter\n")
    arguments = ["summary", "--results", str(results), "--page", str(page)]
    monkeypatch.setattr("sys.argv", arguments)
    assert main() == 0
    text = page.read_text()
    assert text.startswith("before\n<!-- figures:begin -->\n| figure |")
    assert text.endswith("\n<!-- figures:end -->\nafter\n")
    assert "old" not in text
    assert capsys.readouterr().out.strip() == str(page)


def test_a_figure_is_a_value_or_a_reason():
    with pytest.raises(ValueError, match="give either a value or a reason, got None"):
        figure("energy", None, "mJ")


def test_missing_marks_results_and_fields_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"the marks <!-- figures:begin --> and .* are missing"):
        replace_section("no marks", "")
    with pytest.raises(UserError, match="holds no results; run a benchmark first"):
        read_results(tmp_path)
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(UserError, match=r"a\.json: field benchmark is missing"):
        read_results(tmp_path)
