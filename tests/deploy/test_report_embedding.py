"""The report of a run that makes an embedding."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from deploy.__main__ import main
from deploy.probe_file import read_probe
from deploy.report_data import read_run
from search_spaces.errors import UserError
from search_spaces.files import read_json, write_json
from tests.deploy.embedding_run import write_embedding_run
from tests.deploy.test_report import outline, write_report

SECTIONS = {  # with their pictures and tables
    "frontier": (2, 0),
    "bundles": (0, 1),
    "probes": (2, 4),
    "latency": (2, 2),
    "predicted": (0, 0),
    "energy": (0, 1),
    "recordings": (0, 2),
    "commands": (0, 1),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_embedding_run(folder)
    return folder


@pytest.fixture(scope="module")
def html(run: Path) -> str:
    return write_report(run)


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


def cells(html: str, section: str) -> list[list[str]]:
    """Rows of the tables of a section."""
    body = html[html.index(f'<section id="{section}"') :]
    body = body[: body.index("</section>")]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows if "<td" in row]


def test_an_embedding_has_its_own_sections(html: str) -> None:
    found = outline(html).sections
    assert {name: (of["svg"], of["table"]) for name, of in found.items()} == SECTIONS
    assert list(found) == list(SECTIONS)
    for absent in ("evaluations/", "Level error", "Calibration", "probability", "clips.csv"):
        assert absent not in html
    assert "Distance to the teacher (of its variance) against predicted latency" in html
    for alternative in outline(html).alternatives:
        assert re.search(r"\d", alternative or "")


def test_bundles_say_what_int8_loses_and_what_was_not_measured(run: Path, html: str) -> None:
    best = read_run(run).frontier.raw["best"]  # type: ignore[union-attr]
    rows = {row[0]: row[1:] for row in cells(html, "bundles")}
    (other,) = {title.rsplit(" ", 1)[0] for title in rows} - {best}
    assert "33.0 % [31.0, 36.0]" in rows[f"{best} int8"]
    assert "0.33 [0.31, 0.36]" in rows[f"{best} int8"]  # a cosine is no share
    assert rows[f"{best} int8"][-2] == "+2.00"
    assert rows[f"{best} fp32"][-2] == "\u2013"
    assert re.fullmatch(r"0\.\d+ ms", rows[f"{best} int8"][4])
    assert rows[f"{other} int8"][4] == "not measured"


def test_latency_of_another_machine_is_not_set_beside_a_prediction(copied: Path) -> None:
    best = read_run(copied).frontier.raw["best"]  # type: ignore[union-attr]
    path = copied / "measurements" / f"{best}-int8.json"
    value = read_json(path, {})
    value["device"]["name"] = "a phone"
    write_json(path.with_name("phone.json"), value)
    rows = {row[0]: row[5] for row in cells(write_report(copied), "bundles")}
    assert [text for net, text in rows.items() if net.startswith(best)] == ["see Latency"] * 2
    assert {text for net, text in rows.items() if not net.startswith(best)} == {"not measured"}


def test_probes_are_set_against_the_teacher(run: Path, html: str) -> None:
    best = read_run(run).frontier.raw["best"]  # type: ignore[union-attr]
    logistic, lda = (cells(html, "probes")[at : at + 3] for at in (0, 3))
    assert logistic == lda
    teacher, student, _ = logistic
    assert teacher == ["teacher fp32, teacher", "4", *["90.0 % [86.0, 93.0]"] * 2, "90.0 %"]
    lost = "85.0 % [81.0, 88.0] (-5.0)"
    assert student == [f"{best} int8", "4", lost, lost, "85.0 % (-5.0)"]
    costs = cells(html, "probes")[6:9]
    assert costs[1] == [f"{best} int8", "1 s", "0.500 ms (1/16)", "0.100 MB (1/10)"]
    assert ["digits", "200", "10", "4", "4", "on new speakers, 4 folds"] in cells(html, "probes")
    assert "(the label tells the speaker)" in html
    assert "<b>85.0 %</b><span>logistic regression, 2 sets; the teacher 90.0 %</span>" in html


def test_provenance_has_numbers_and_no_names(html: str) -> None:
    rows = cells(html, "recordings")
    assert rows[:2] == [["train", "2", "2"], ["validation", "1", "1"]]
    assert ["recordings", "4 (0.25 h); 1 left out"] in rows
    assert ["split by readers", "2 train, 1 validation, 1 test recordings"] in rows
    assert ["learned from", "a teacher of 1.1 MB (sha256 77777777)"] in rows
    assert "<span>Labels looked at</span><b>0</b>" in html
    assert not re.search("annie|bobby|cyril", html)


@pytest.mark.parametrize(
    ("name", "said", "sections"),
    [
        ("search/frontier.json", "search_spaces search", {"frontier", "predicted"}),
        ("bundles", "deploy lower", {"frontier", "bundles", "recordings"}),
        ("measurements", "deploy benchmark", {"frontier", "bundles", *list(SECTIONS)[3:6]}),
        ("probe/probe.json", "deploy evaluate --probe SET...", {"probes"}),
        ("train/labels.csv", "lightning_modules fit", {"recordings"}),
    ],
)
def test_what_is_absent_is_said_where_it_would_be(
    copied: Path, name: str, said: str, sections: set[str]
) -> None:
    (copied / name).rename(copied / "elsewhere")
    html = write_report(copied)
    bodies = dict(re.findall(r'<section id="(\w+)"(.*?)</section>', html, re.DOTALL))
    assert list(bodies) == list(SECTIONS)
    pattern = re.compile(rf"<b>{name}.*?Made by: <code>python -m {re.escape(said)}", re.DOTALL)
    assert {section for section, body in bodies.items() if pattern.search(body)} == sections


def test_int8_that_was_not_kept_says_why(copied: Path) -> None:
    path = next((copied / "bundles").iterdir()) / "manifest.json"
    value = read_json(path, {})
    value["precisions"]["int8"], value["int8_reason"] = None, "3.1 points farther"
    value["precisions"]["fp32"]["validation"]["distance"]["value"] = None
    write_json(path, value)
    rows = cells(write_report(copied), "bundles")
    assert [value["name"], "3.1 points farther"] in rows
    (fp32,) = [row for row in rows if row[0].startswith(f"{value['name']} ")]
    assert (fp32[0], fp32[6:8]) == (f"{value['name']} fp32", ["\u2013", "\u2013"])


def test_without_bundles_the_search_s_figures_stand(copied: Path) -> None:
    shutil.rmtree(copied / "bundles")
    names = [row[0] for row in cells(write_report(copied), "bundles")]
    assert len(names) == 2
    assert all(name.endswith(", not lowered") for name in names)


def test_probes_of_other_files_and_without_a_teacher_say_so(copied: Path) -> None:
    path = copied / "probe" / "probe.json"
    value = read_json(path, {})
    _, first, second = value["models"]
    first["sha256"] = "a" * 64
    write_json(path, {**value, "models": [first, second], "speaker_normalised": True})
    html = write_report(copied)
    assert f"bundles/{first['name']} as it lies here was not probed" in html
    assert f"bundles/{second['name']} as it lies here" not in html
    assert "holds no teacher, so that nothing says what the students lose" in html
    assert not any("(-" in cell for row in cells(html, "probes") for cell in row)
    assert "mean and spread were taken off" in html


def test_a_fit_without_search_is_reported_from_its_own_folder(copied: Path) -> None:
    value = read_json(copied / "search" / "frontier.json", {})
    value["search"]["algorithm"] = "none"
    write_json(copied / "frontier.json", value)
    (copied / "train" / "labels.csv").rename(copied / "labels.csv")
    for name in ("search", "train", "bundles", "measurements", "probe"):
        shutil.rmtree(copied / name)
    html = write_report(copied)
    assert "one net that was given, nothing was searched" in html
    assert ["train", "2", "2"] in cells(html, "recordings")
    assert f"lower --frontier {copied}/frontier.json --clips {copied}/clips.npz" in html


def test_recordings_without_labels_alone_are_of_an_embedding(copied: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(copied / "train", alone / "train")
    assert read_run(alone).kind == "embedding"
    assert "configs/frill.yaml" not in write_report(alone)  # its list is there
    alone.joinpath("train", "labels.csv").write_text("recording,use,label,speaker\na,train,dog,\n")
    assert read_run(alone).kind == "classes"


def test_a_probe_against_its_sets_is_refused(run: Path, tmp_path: Path) -> None:
    value = read_json(run / "probe" / "probe.json", {})
    del value["models"][1]["accuracy"]["reader"]
    write_json(tmp_path / "probe" / "probe.json", value)
    expected = r"\$.models\[1\].accuracy: is of digits, expected of digits, reader"
    with pytest.raises(UserError, match=expected):
        read_probe(tmp_path / "probe" / "probe.json")


def test_a_folder_of_nothing_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "probe").mkdir()
    (tmp_path / "probe" / "probe.json").write_text("{")
    assert main(["report", "--run", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no file of a run can be read there (looked for " in line
    assert "probe/probe.json" in line
