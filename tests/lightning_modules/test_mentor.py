from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lightning_modules.ingredients import Distillation
from lightning_modules.mentor import Mentor
from lightning_modules.module import SupernetModule
from lightning_modules.students import FeatureCache
from search_spaces.architecture import largest, smallest, write_architecture
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from search_spaces.supernet import build_supernet
from search_spaces.supernet_file import write_supernet
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask

NANO = get_space("sam-nano")


@pytest.fixture
def supernet(tmp_path: Path) -> Path:
    write_supernet(tmp_path / "supernet.pt", build_supernet(NANO, seed=5), {})
    return tmp_path / "supernet.pt"


def test_it_says_what_the_largest_net_says(supernet: Path):
    waveform = torch.randn(2, 80_000)
    mentor = Mentor(supernet, NANO, CountsTask())
    expected = build_supernet(NANO, seed=5).extract(largest(NANO)).eval()
    with torch.no_grad():
        torch.testing.assert_close(mentor.logits(FeatureCache(waveform)), expected(waveform))


def test_it_teaches_a_fixed_net_and_is_in_no_checkpoint(supernet: Path, tmp_path: Path):
    write_architecture(tmp_path / "architecture.json", smallest(NANO))
    module = SupernetModule(
        "sam-nano", architecture=tmp_path / "architecture.json", distil_from=supernet
    )
    assert module.settings()["distil_from"] == module.mentor.sha256
    assert {name.split(".")[0] for name in module.state_dict()} == {"net", "teacher"}


def test_unlabelled_clips_are_heard_where_a_net_learns_from_another(supernet: Path):
    off = Distillation(enabled=False)
    alone = {"architecture": Path("largest"), "distillation": off}
    assert SupernetModule("sam-nano").distils
    assert not SupernetModule("sam-nano", distillation=off).distils
    assert not SupernetModule("sam-nano", architecture=Path("largest")).distils
    assert SupernetModule("sam-nano", **alone, distil_from=supernet).distils


def test_a_supernet_needs_no_other_teacher(supernet: Path):
    with pytest.raises(UserError, match=r"model.distil_from: .*supernet.pt is given without model"):
        SupernetModule("sam-nano", distil_from=supernet)


def test_a_supernet_of_another_space_is_refused(supernet: Path):
    with pytest.raises(UserError, match=r"is of space sam-nano .* expected sam-lite"):
        Mentor(supernet, get_space("sam-lite"), CountsTask())


def test_a_supernet_of_another_task_is_refused(supernet: Path):
    dogs = ClassesTask(("dog", "door"))
    with pytest.raises(UserError, match=r"its 11 outputs are counts \(0, 1, .* expected 2 classes"):
        Mentor(supernet, NANO, dogs)
