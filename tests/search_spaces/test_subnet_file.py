from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from search_spaces.architecture import smallest
from search_spaces.errors import UserError
from search_spaces.frontier import save_weights
from search_spaces.spaces import get_space
from search_spaces.subnet_file import read_subnet
from search_spaces.supernet import build_subnet
from search_spaces.supernet_file import load_trained
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask
from tests.search_spaces.pictures import picture_architecture

DOGS = ClassesTask(("dog", "door"))


def written(folder: Path, architecture: Any, settings: dict[str, Any], num_outputs: int) -> Path:
    net = build_subnet(architecture, num_outputs, seed=3)
    path = folder / "subnet.pt"
    save_weights(path, architecture, net, num_outputs, {"settings": settings})
    return path


def test_a_net_of_pictures_comes_back(tmp_path: Path):
    path = written(tmp_path, picture_architecture(), {"task": DOGS.to_json()}, 2)
    found = read_subnet(path, load_trained(path))
    assert found.architecture == picture_architecture()
    assert found.task == DOGS
    waveform = 0.1 * torch.randn(1, 16_000)
    expected = build_subnet(picture_architecture(), 2, seed=3).eval()
    with torch.no_grad():
        torch.testing.assert_close(found.net(waveform), expected(waveform))


def test_a_net_of_an_early_version_counts_people(tmp_path: Path):
    path = written(tmp_path, smallest(get_space("sam-nano")), {}, 11)
    assert isinstance(read_subnet(path, load_trained(path)).task, CountsTask)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("num_outputs", 3, r"field \$.num_outputs: got 3, but its task, classes, has 2; train it"),
        ("training", {}, r"field \$.training: 'settings', .* is missing; train it anew"),
        (
            "training",  # of an early version: counts
            {"settings": {}},
            r"field \$.num_outputs: got 2, but its task, counts, has 11; train it anew",
        ),
        (
            "training",
            {"settings": {"task": {"kind": "classes", "names": ["a", 2], "several": False}}},
            r"field \$.task.names\[1\]: 2 is not of type 'string'",
        ),
        ("architecture", {"choices": "ab"}, r"field \$.architecture.choices: 'ab' is not of type"),
        ("architecture", {"space": "x"}, r"its net cannot be built \(.*space 'x' is unknown"),
        ("state_dict", {1: 2}, r"its net cannot be built \(.*; train it anew"),
        ("state_dict", {}, r"its net cannot be built \(.*; train it anew"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, field: str, value: Any, reason: str):
    path = written(tmp_path, picture_architecture(), {"task": DOGS.to_json()}, 2)
    content = load_trained(path)
    content[field] = {**content[field], **value} if field == "architecture" else value
    with pytest.raises(UserError, match=rf"subnet.pt: {reason}"):
        read_subnet(path, content)


def test_a_task_of_another_kind_is_refused(tmp_path: Path):
    path = written(tmp_path, picture_architecture(), {"task": "classes"}, 2)
    with pytest.raises(UserError, match=r"subnet.pt: field \$.training.settings.task: 'classes'"):
        load_trained(path)
