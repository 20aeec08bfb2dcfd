"""The report of a run that names classes, from an evaluation and a label budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy.evaluate_classes import make_evaluation
from deploy.report import make_page
from deploy.report_data import read_run
from deploy.report_page import render
from lightning_modules.recordings_item import Item
from search_spaces.files import write_json
from search_spaces.task_classes import ClassesTask

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
    assert data.class_labels == [("dog", "train"), ("door", "validation"), ("dog", "train")]
    html = render(make_page(data, "dogs"))
    assert "Which class is heard" in html
    assert "25.0 % [" in html
    assert "<td>1.wav</td>" in html  # the hardest comes first
    assert html.index("<td>1.wav</td>") < html.index("<td>3.wav</td>")
    assert "3 labelled recordings in all" in html
    assert ("Recordings by true and said class" in html) == (not several)
    assert "MAE of the count" not in html
