from __future__ import annotations

import argparse
import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy import report
from deploy.__main__ import main
from deploy.measurement import latency_summary, write_measurement
from deploy.report_data import read_run
from deploy.report_lists import read_commands
from deploy.report_sections import headline_evaluation
from search_spaces.errors import UserError
from search_spaces.files import read_json, write_json
from tests.deploy.run_folder import measurement, write_run, write_tuned

GOOD = '{"argv": [], "started": "", "seconds": 0, "versions": {}, "exit_code": 0}'
LATENCY = ("predicted_latency_ms", "int8")
SECTIONS = {
    "frontier": "Frontier",
    "confusion": "Confusion",
    "errors": "Error against SNR and count",
    "calibration": "Calibration",
    "latency": "Latency",
    "predicted": "Costs, predicted and measured",
    "energy": "Energy",
    "labels": "Label budget",
    "commands": "Commands and versions",
}


class Outline(HTMLParser):
    """Sections with their number of pictures and tables; refuses tags that do not close."""

    VOID = ("meta", "br", "circle", "rect", "line", "path", "polyline")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sections: dict[str, dict[str, int]] = {}
        self.alternatives: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "section":
            self.sections[str(values["id"])] = {"svg": 0, "table": 0}
        if tag in ("svg", "table") and self.sections:
            list(self.sections.values())[-1][tag] += 1
        if tag == "svg":
            self.alternatives.append(values.get("aria-label"))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def write_report(run: Path) -> str:
    parser = argparse.ArgumentParser()
    report.add_arguments(parser)
    assert report.run(parser.parse_args(["--run", str(run)])) == 0
    return (run / "report.html").read_text(encoding="utf-8")


def outline(html: str) -> Outline:
    parsed = Outline()
    parsed.feed(html)
    assert parsed.open == []
    return parsed


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, test_clips=66)
    return folder


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """A run to take things out of."""
    return shutil.copytree(run, tmp_path / "run")


@pytest.fixture(scope="module")
def html(run: Path) -> str:
    return write_report(run)


def test_the_page_has_every_section_in_order_with_its_pictures(html: str) -> None:
    sections = outline(html).sections
    assert list(sections) == list(SECTIONS)
    for title in SECTIONS.values():
        assert f">{title}</h2>" in html
    pictures = {name: counted["svg"] for name, counted in sections.items()}
    others = 3  # two winners in two precisions, one shown in full
    assert pictures == {
        "frontier": 2,
        "confusion": 2 + 2 * others,
        "errors": 6 + 6 * others,
        "calibration": 2 + 2 * others,
        "latency": 4,
        "predicted": 2,
        "energy": 0,
        "labels": 1,
        "commands": 0,
    }


def test_the_page_needs_nothing_beside_it(html: str) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|url\(|<script|<link|<img|\bsrc=", html)
    assert set(re.findall(r'href="([^"]*)"', html)) == {f"#{name}" for name in SECTIONS}


def test_every_picture_has_a_text_alternative_with_figures(html: str) -> None:
    alternatives = outline(html).alternatives
    assert len(alternatives) > 40
    for text in alternatives:
        assert text
        assert re.search(r"\d", text)


def test_the_headline_is_the_search_s_best_net_in_int8(run: Path, html: str) -> None:
    data = read_run(run)
    headline = headline_evaluation(data)
    assert data.frontier is not None
    assert headline is not None
    assert headline["bundle"]["name"] == data.frontier.best.name
    assert headline["bundle"]["precision"] == "int8"
    error = headline["metrics"]["level_error"]["value"]
    assert f"<span>Level error</span><b>{100 * error:.1f} %</b>" in html


def test_figures_of_the_files_are_on_the_page(html: str) -> None:
    assert "101 labelled clips in all" in html
    assert "40 subnets" not in html
    assert "80 of 80 predictions within 10 %" in html
    assert "no energy meter on this host" in html
    assert "no /proc on this system" in html
    assert "python -m lightning_modules fit" in html
    assert "/a folder&#39;" in html  # quoted as the shell needs it
    for package in ("torch", "executorch", "ersam-kit"):
        assert f"<td>{package}</td>" in html


def test_a_missing_bundle_is_named_with_its_command(run: Path, html: str) -> None:
    assert "<b>bundles/*</b>: not there" in html
    assert f"python -m deploy lower --frontier {run}/search/frontier.json" in html


@pytest.mark.parametrize(
    ("name", "part", "sections"),
    [
        ("search/frontier.json", "search_spaces search", ("frontier", "predicted")),
        ("cost_table.json", "deploy cost-table", ("predicted", "energy")),
        ("train/labels.csv", "lightning_modules fit", ("labels",)),
        ("commands.jsonl", "deploy run", ("commands",)),
        ("evaluations", "deploy evaluate", ("frontier", "confusion", "errors", "calibration")),
        ("measurements", "deploy benchmark", ("frontier", "latency", "predicted", "energy")),
    ],
)
def test_a_missing_part_is_said_in_its_sections_and_the_rest_stands(
    copied: Path, name: str, part: str, sections: tuple[str, ...]
) -> None:
    (copied / name).rename(copied / "elsewhere")

    html = write_report(copied)

    assert list(outline(html).sections) == list(SECTIONS)
    for section in re.findall(r'<section id="(\w+)".*?</section>', html, re.DOTALL):
        body = re.search(f'<section id="{section}".*?</section>', html, re.DOTALL)
        assert body is not None
        said = bool(re.search(rf"<b>{name}.*Made by: <code>python -m {part}", body[0], re.DOTALL))
        assert said == (section in sections)


def test_a_bundle_that_is_being_written_is_left_alone(copied: Path) -> None:
    (copied / "bundles" / ".net.part").mkdir(parents=True)
    (copied / "bundles" / ".lock").touch()
    html = write_report(copied)
    assert "<b>bundles/*</b>: not there" in html
    assert "bundles/.net.part" not in html


def test_a_damaged_file_is_named_with_its_field(copied: Path) -> None:
    path = sorted((copied / "evaluations").glob("*.json"))[0]
    evaluation = read_json(path, {})
    del evaluation["metrics"]["ece"]
    write_json(path, evaluation)
    html = write_report(copied)
    assert f"<b>evaluations/{path.name}</b>: field $.metrics: &#39;ece&#39; is a required" in html


@pytest.mark.parametrize(
    ("pattern", "fields", "new", "reason"),
    [
        ("cost_table.json", ("pieces", 0, "choices"), {"x": 1}, "field $.pieces[0].choices: "),
        ("cost_table.json", ("held_out_pieces", 0, "choices"), {"x": 1}, "field $.held_out_pieces"),
        (
            "search/*.json",
            ("winners", 0, "level_error", "low"),
            None,
            "has a value but no interval",
        ),
        ("search/*.json", ("winners", 0, *LATENCY), 0, "predicted_latency_ms.int8: 0, expected"),
        ("search/*.json", ("winners", 0, *LATENCY), 1e308, "1e+308 is no figure to be shown"),
        (
            "evaluations/*.json",
            ("count_confusion",),
            [],
            "field $.count_confusion: expected 1 rows",
        ),
        ("evaluations/*.json", ("level_confusion", 0), [1], "$.level_confusion: expected 4 rows"),
        ("measurements/*.json", ("energy", "reason"), None, "field $.energy.reason: null"),
        ("measurements/*.json", ("energy", "value_mj"), 9.0, "field $.energy.method: null"),
    ],
)
def test_what_no_schema_says_is_damage_too(
    copied: Path, pattern: str, fields: tuple[str | int, ...], new: Any, reason: str
) -> None:
    path = sorted(copied.glob(pattern))[0]
    value = inner = json.loads(path.read_text(encoding="utf-8"))
    for field in fields[:-1]:
        inner = inner[field]
    inner[fields[-1]] = new
    path.write_text(json.dumps(value), encoding="utf-8")
    said = re.search(rf"<b>{path.relative_to(copied)}</b>: (.*)</p>", write_report(copied))
    assert said is not None
    assert reason in said[1]


def test_a_table_that_predicts_nothing_is_damaged_too(copied: Path) -> None:
    path = copied / "cost_table.json"
    table = read_json(path, {})
    whole = table["fits"][0]["whole"]
    table["fits"][0]["whole"] = {**dict.fromkeys(whole, 0.0), "unused": 1.0}
    write_json(path, table)
    message = "<b>cost_table.json</b>: field $.fits: predict 0 ms at "
    assert message in write_report(copied)


@pytest.mark.parametrize("name", ["train/labels.csv", "commands.jsonl"])
def test_a_folder_in_the_place_of_a_file_is_said(copied: Path, name: str) -> None:
    (copied / name).unlink()
    (copied / name).mkdir()
    assert re.search(rf"<b>{name}</b>: .*[Ii]s a directory", write_report(copied))


def test_clips_without_snr_or_reverberation_say_so(copied: Path) -> None:
    for path in (copied / "evaluations").glob("*.json"):
        write_json(path, {**read_json(path, {}), "by_snr_db": [], "by_rt60_s": []})
    html = write_report(copied)
    assert "its column snr_db is empty or not there" in html
    assert "its column rt60_s is empty or not there" in html


def test_text_of_the_files_cannot_become_markup(copied: Path) -> None:
    for path in (copied / "evaluations").glob("*.json"):
        evaluation = read_json(path, {})
        evaluation["levels"]["names"][0] = "<b>nobody</b>"
        write_json(path, evaluation)
    html = write_report(copied)
    assert "<b>nobody" not in html
    assert "&lt;b&gt;nobody" in html


def section(html: str, name: str) -> str:
    body = re.search(f'<section id="{name}".*?</section>', html, re.DOTALL)
    assert body is not None
    return body[0]


def test_a_name_that_is_not_utf_8_is_shown(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (copied / "evaluations").glob("*.json"):
        value = read_json(path, {})
        value["levels"]["names"][0] = os.fsdecode(b"caf\xe9")
        write_json(path, value)
    out = copied / os.fsdecode(b"caf\xe9.html")
    assert main(["report", "--run", str(copied), "--out", str(out)]) == 0
    assert r"caf\udce9" in out.read_text(encoding="utf-8")
    assert capsys.readouterr().out == f"wrote {copied}/caf\\udce9.html\n"


def test_other_machines_are_not_set_beside_a_prediction(copied: Path) -> None:
    data = read_run(copied)
    assert data.frontier is not None
    best = data.frontier.best.name
    for threads in (1, 4):  # the phone's files come after the host's by name
        value = measurement(best, "fp32", np.random.default_rng(3))
        value["latency_ms"] = latency_summary([70.0 + threads] * 200)
        value["device"]["name"], value["threads"] = "a phone", threads
        if threads == 4:
            value["energy"] = {"value_mj": 9.0, "method": "battery", "reason": None}
        write_measurement(copied / "measurements" / f"{best}-fp32-{threads}t.json", value)
    html = write_report(copied)
    assert re.search(r"<td>1\.\d+ ms</td>", winner_row(html, best))
    assert not re.search(r"<td>7\d\.\d ms</td>", winner_row(html, best))
    assert f"{best} fp32 on a phone, 4 threads, 200 runs" in section(html, "latency")
    energy = section(html, "energy")
    assert f"<td>{best} fp32</td><td>a phone, 4 threads</td><td>9 mJ</td>" in energy
    assert "<td>4 nets</td>" in energy  # of which there is none, each counted once
    (copied / "cost_table.json").unlink()  # nobody knows for which of them it was predicted
    assert "<td>see Latency</td>" in winner_row(write_report(copied), best)


def test_a_card_says_on_what_a_net_was_measured(copied: Path) -> None:
    data = read_run(copied)
    assert data.frontier is not None
    value = measurement(data.frontier.best.name, "int8", np.random.default_rng(3))
    write_measurement(copied / "measurements" / "again.json", {**value, "threads": 4})
    html = write_report(copied)
    for place in ("synthetic, 1 thread", "synthetic, 4 threads"):
        assert re.search(rf"<span>p99 [\d.]+ ms, one clip; {place}</span>", html)


def winner_row(html: str, name: str) -> str:
    (row,) = re.findall(rf"<tr><td>{name} fp32</td>.*?</tr>", section(html, "frontier"))
    return row


@pytest.mark.parametrize(
    ("config", "shown"),
    [(None, True), ({"scale": {"tune_steps": 4}}, True), ({"scale": {"tune_steps": None}}, False)],
)
def test_a_tuned_winner_of_an_earlier_scale_is_not_shown(
    copied: Path, config: dict[str, Any] | None, shown: bool
) -> None:
    write_tuned(copied)
    if config is not None:
        write_json(copied / "config.json", config)
    assert (read_run(copied).tuned is not None) == shown


def test_a_damaged_config_is_said_where_it_decides(copied: Path) -> None:
    (copied / "config.json").write_text("{}")
    assert "config.json" not in write_report(copied)
    write_tuned(copied)
    assert "<b>config.json</b>: field $: &#39;scale&#39; is a required" in write_report(copied)


def test_only_a_folder_without_any_file_of_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--run .*: no file of a run can be read there \(looked f"):
        read_run(tmp_path)
    with pytest.raises(UserError, match=r"--run .*/none: no such folder; give the folder of a"):
        read_run(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 2 is not JSON"),
        ("[" * 10_000, "line 2 is not JSON"),
        ('{"argv": []}', "line 2 lacks one of"),
        (GOOD.replace('""', "null"), r"line 2: field \$.started: None is not of type 'string'"),
        (GOOD.replace("{}", "null"), r"line 2: field \$.versions: None is not"),
        (GOOD.replace("{}", '{"torch": null}'), r"line 2: field \$.versions.torch: None is not"),
        (GOOD.replace("[]", "null"), r"line 2: field \$.argv: None is not of type 'array'"),
        (GOOD.replace(": 0,", ": null,"), r"line 2: field \$.seconds: None is not of type"),
    ],
)
def test_a_broken_line_of_commands_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "commands.jsonl").write_text(f"{GOOD}\n{text}")
    with pytest.raises(UserError, match=message):
        read_commands(tmp_path / "commands.jsonl")


def test_the_same_run_gives_the_same_page_but_for_the_time(run: Path, html: str) -> None:
    def without_time(page: str) -> str:
        return re.sub(r"Written [\d: -]+ UTC", "", page)

    assert without_time(write_report(run)) == without_time(html)
    assert np.isclose(len(html), 250_000, atol=250_000)  # a page, not a book


def test_a_file_of_the_run_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "cost_table.json"
    table.write_text("{}")
    assert main(["report", "--run", str(tmp_path), "--out", str(table)]) == 2
    assert "cost_table.json is a file of the run; name another one" in capsys.readouterr().err
    assert table.read_text() == "{}"
    assert main(["report", "--run", str(tmp_path), "--out", "/dev/null"]) == 2
    assert "--out: /dev/null is a folder or a device" in capsys.readouterr().err
    assert main(["report", "--run", str(table)]) == 2
    assert capsys.readouterr().err == (
        f"error: --run {table}: is a file; give the folder of a run, as {tmp_path} may be\n"
    )
