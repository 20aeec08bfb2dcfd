"""The report of a run that names classes, from an evaluation and a label budget."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import numpy as np
import pytest

from deploy.evaluate_classes import WithBare, make_evaluation
from deploy.evaluation import CLASS_SCHEMA
from deploy.report import make_page
from deploy.report_data import read_run
from deploy.report_page import render
from lightning_modules.recordings import read_recordings
from lightning_modules.recordings_item import Item
from search_spaces.files import write_json
from search_spaces.task_classes import ClassesTask
from tests.deploy.run_folder import evaluation as evaluation_of_counts
from tests.lightning_modules.recording_folder import write_recording

ORIGIN = {
    "bundle": {
        "name": "net-1",
        "precision": "int8",
        "manifest_sha256": "0" * 64,
        "runtime": {"name": "executorch", "version": "1.4.1"},
    },
    "clips": {"number": 4, "sha256": "0" * 64},
}
LABELS = "recording,use,label,speaker\na.wav,train,dog,\nb.wav,validation,door,\nc.wav,train,dog,\n"


@pytest.mark.parametrize("several", [False, True])
def test_a_run_of_classes_has_its_own_sections(tmp_path: Path, several: bool) -> None:
    task = ClassesTask(("dog", "door"), several)
    labels = [("dog",), ("dog",), ("door",), ("door",)]
    items = [Item(Path(), f"{n}.wav", label) for n, label in enumerate(labels)]
    said = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.4, 0.6]])
    evaluation = make_evaluation(items, said, said, task, ORIGIN, with_rows=True)
    write_json(tmp_path / "evaluations" / "net-1-int8.json", evaluation)
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "labels.csv").write_text(LABELS)
    data = read_run(tmp_path)
    assert data.used == [("dog", "train", ""), ("door", "validation", ""), ("dog", "train", "")]
    html = render(make_page(data, "dogs"))
    assert "Which class is heard" in html
    assert "25.0 % [" in html
    assert "<td>1.wav</td>" in html  # the hardest comes first
    assert html.index("<td>1.wav</td>") < html.index("<td>3.wav</td>")
    assert "3 labelled recordings in all" in html
    assert ("ows are what was true, columns what the net said" in html) == (not several)
    assert "MAE of the count" not in html
    assert ("The probability is that of the class" in html) == (not several)
    assert ("The probability is that of each yes and each no" in html) == several
    assert ("a bin of answers" in html) == several
    assert "level" not in html


def test_what_makes_a_missing_evaluation_is_of_classes(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "labels.csv").write_text(LABELS)
    (missing,) = read_run(tmp_path).missing["evaluations"]
    assert f"--clips {tmp_path}/train/test_recordings.csv --rows --out" in missing.command


def test_the_hardest_recordings_are_seen_where_they_still_are(tmp_path: Path) -> None:
    task = ClassesTask(("dog", "door"))
    paths = [
        write_recording(tmp_path / f"{name}.wav", 300 + 300 * n) for n, name in enumerate("ab")
    ]
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "labels.csv").write_text(LABELS)
    listed = tmp_path / "train" / "test_recordings.csv"
    listed.write_text("path,label,snr_db\n" + "".join(f"{path},dog,3\n" for path in paths))
    items = read_recordings(listed)
    said = np.array([[0.9, 0.1], [0.2, 0.8]])
    evaluation = make_evaluation(items, said, said, task, ORIGIN, with_rows=True)
    write_json(tmp_path / "evaluations" / "net-1-int8.json", evaluation, CLASS_SCHEMA)
    html = render(make_page(read_run(tmp_path), "dogs"))
    assert html.count("data:image/png;base64,") == 2
    assert "b.wav: dog taken for door" in html
    assert html.index("b.wav: dog taken for door") < html.index("a.wav: dog named rightly")
    assert "<td>below 5</td>" in html  # the error by SNR
    paths[0].write_bytes(b"")
    html = render(make_page(read_run(tmp_path), "dogs"))
    assert html.count("data:image/png;base64,") == 1
    assert "a.wav: is empty (0 bytes); copy or record it again" in html
    paths[1].unlink()
    html = render(make_page(read_run(tmp_path), "dogs"))
    assert "data:image/png" not in html
    assert "no such file" in html


def test_a_calibrated_net_of_several_classes_has_no_calibration_error() -> None:
    task = ClassesTask(tuple("abcde"), several=True)
    said = np.tile([0.8, 0.2, 0.2, 0.2, 0.2], (5, 1))
    truth = said > 0.5
    truth[range(5), range(5)] ^= True  # each class is wrong once in five
    names = [tuple(np.array(task.names)[row]) for row in truth]
    items = [Item(Path(), f"{n}", labels) for n, labels in enumerate(names)]
    evaluation = make_evaluation(items, said, said, task, ORIGIN, with_rows=False)
    assert evaluation["metrics"]["error"]["value"] == pytest.approx(0.2)
    assert evaluation["metrics"]["ece"] == pytest.approx(0.0)
    assert sum(row["clips"] for row in evaluation["calibration"]) == 25
    jsonschema.validate(evaluation, CLASS_SCHEMA)


def test_the_temperature_is_taken_out_for_the_ece_before_it() -> None:
    class Engine:
        def run(self, waveform: np.ndarray) -> np.ndarray:
            return np.array([0.8, 0.2], np.float32)

    said, bare = WithBare(Engine(), 2.0, several=False).run(np.zeros(4, np.float32))
    np.testing.assert_allclose(said, [0.8, 0.2], rtol=1e-6)
    np.testing.assert_allclose(bare, [16 / 17, 1 / 17], rtol=1e-6)  # the odds are squared
    _, bare = WithBare(Engine(), 2.0, several=True).run(np.zeros(4, np.float32))
    np.testing.assert_allclose(bare, [16 / 17, 1 / 17], rtol=1e-6)


def test_errors_are_by_snr_where_it_is_known_and_by_speaker_only_with_rows() -> None:
    task = ClassesTask(("dog", "door"))
    snrs = (-3.0, 7.0, 8.0, None)
    items = [Item(Path(), f"{n}", ("dog",), "ann", snr_db=snr) for n, snr in enumerate(snrs)]
    said = np.array([[0.1, 0.9], [0.9, 0.1], [0.2, 0.8], [0.9, 0.1]])
    with_rows, without = (
        make_evaluation(items, said, said, task, ORIGIN, rows) for rows in (True, False)
    )
    assert [(row["high"], row["clips"], row["error"]["value"]) for row in without["by_snr_db"]] == [
        (5.0, 1, 1.0),
        (10.0, 2, 0.5),
    ]
    assert [row["name"] for row in with_rows["by_speaker"]] == ["ann"]
    assert "by_speaker" not in without
    for evaluation in (with_rows, without):
        jsonschema.validate(evaluation, CLASS_SCHEMA)


@pytest.mark.parametrize("row", ["c.wav,tr", "c.wav,train,dog,,more"])
def test_a_damaged_label_budget_is_said_in_its_section(tmp_path: Path, row: str) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "labels.csv").write_text(f"{LABELS}{row}\n")
    said, items = np.eye(2), [Item(Path(), f"{n}.wav", (n,)) for n in ("dog", "door")]
    evaluation = make_evaluation(items, said, said, ClassesTask(("dog", "door")), ORIGIN, False)
    write_json(tmp_path / "evaluations" / "net-1-int8.json", evaluation)
    data = read_run(tmp_path)
    assert (data.kind, data.used) == ("classes", None)
    html = render(make_page(data, "dogs"))
    assert "line 5 has not 4 fields" in html
    assert "lightning_modules fit --config lightning_modules/configs/folder.yaml" in html


def test_an_evaluation_of_another_task_is_no_row_among_the_runs(tmp_path: Path) -> None:
    said, items = np.eye(2), [Item(Path(), f"{n}.wav", (n,)) for n in ("dog", "door")]
    task = ClassesTask(("dog", "door"))
    folder = tmp_path / "evaluations"
    write_json(folder / "a.json", make_evaluation(items, said, said, task, ORIGIN, False))
    counts = evaluation_of_counts("net-2", "int8", 22, np.random.default_rng(0))
    write_json(folder / "b.json", counts)
    several = ClassesTask(task.names, several=True)
    write_json(folder / "c.json", make_evaluation(items, said, said, several, ORIGIN, False))
    data = read_run(tmp_path)
    assert [evaluation["task"] for evaluation in data.evaluations] == [task.to_json()]
    html = render(make_page(data, "dogs"))
    assert "judges a net by level error, this run&#39;s are judged by error; put it" in html
    assert "judges a net by error of all yes and no, this run" in html
