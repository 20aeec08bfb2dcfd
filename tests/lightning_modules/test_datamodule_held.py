import os
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lightning_modules import datamodule_held
from lightning_modules.datamodule_fill import fill
from lightning_modules.datamodule_held import Held, HeldInMemory, HeldOnDisk, held_folder
from lightning_modules.held_form import Features, Sound
from lightning_modules.mixtures import Clip, Mixtures
from search_spaces.architecture import smallest
from search_spaces.clip import CLIP_SAMPLES
from search_spaces.errors import UserError
from search_spaces.frontend import LogMelFrontEnd
from search_spaces.spaces import get_space


class CountedClips(Mixtures):
    """Clips whose every sample is their index, times a factor; says which were mixed."""

    def __init__(self, factor: int = 1) -> None:
        self.factor = factor
        self.mixed: list[int] = []

    def __getitem__(self, index: int) -> Clip:
        self.mixed.append(index)
        return Clip(np.full(CLIP_SAMPLES, index * self.factor, np.int16), index % 11)


@pytest.fixture(params=["memory", "disk"])
def hold(request, tmp_path: Path) -> Callable[[CountedClips, int], Held]:
    if request.param == "memory":
        return HeldInMemory
    return lambda mixtures, clips: HeldOnDisk(tmp_path / "held", mixtures, clips)


def test_a_held_clip_is_mixed_once_and_every_other_each_time(hold) -> None:
    mixtures = CountedClips()
    held = hold(mixtures, 3)
    for _ in range(2):
        assert [held.clip(index)[0] for index in range(5)] == list(range(5))
        assert held.clip(4).shape == (CLIP_SAMPLES,)
    assert [mixtures.mixed.count(index) for index in range(5)] == [1, 1, 1, 2, 4]
    assert len(held) == 3


def test_counts_come_with_the_sound(hold) -> None:
    mixtures = CountedClips()
    held = hold(mixtures, 3)
    assert [held.count(index) for index in range(5)] == list(range(5))
    assert [held.clip(index)[0] for index in range(3)] == list(range(3))
    assert [held.count(index) for index in range(3)] == list(range(3))
    assert mixtures.mixed == list(range(5))


def test_a_later_run_with_more_clips_finds_those_that_are_there(tmp_path) -> None:
    first = HeldOnDisk(tmp_path, CountedClips(), 4)
    for index in (1, 3):
        first.clip(index)
    mixtures = CountedClips()
    later = HeldOnDisk(tmp_path, mixtures, 6)
    assert len(later) == 2
    mixtures.mixed.clear()  # one was mixed to see whether the mixtures are still the same
    assert [later.clip(index)[-1] for index in range(6)] == list(range(6))
    assert mixtures.mixed == [0, 2, 4, 5]
    assert len(HeldOnDisk(tmp_path, mixtures, 2)) == 2, "a smaller one sees what it holds"


def test_clips_of_another_version_are_made_anew(tmp_path, capsys) -> None:
    HeldOnDisk(tmp_path, CountedClips(), 4).clip(2)
    changed = HeldOnDisk(tmp_path, CountedClips(factor=7), 4)
    assert "clips of another version, made anew" in capsys.readouterr().err
    assert changed.clip(2)[0] == 14


def test_another_process_sees_what_one_has_written(tmp_path) -> None:
    held = HeldOnDisk(tmp_path, CountedClips(), 4)
    sent = pickle.dumps(held)
    assert len(sent) < 1000, "no sound is sent"
    child = os.fork()
    if child == 0:
        held.clip(3)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert len(held) == 1
    received = pickle.loads(sent)
    assert received.clip(3)[0] == 3
    assert received._mixtures.mixed == []


def test_a_disk_too_small_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(datamodule_held, "disk_usage", lambda _: SimpleNamespace(free=10**7))
    with pytest.raises(UserError, match=r"held_on_disk: 100 clips need 0\.0 GB in .* lower held"):
        HeldOnDisk(tmp_path, CountedClips(), 100)


def test_features_are_kept_instead_of_the_sound(tmp_path) -> None:
    form = Features(smallest(get_space("sam-plain")))
    mixtures = CountedClips(factor=1000)
    held = HeldOnDisk(tmp_path, mixtures, 2, form)
    noise = np.random.default_rng(0).integers(-9000, 9000, CLIP_SAMPLES).astype(np.int16)
    assert held.clip(1).shape == (1, 64, 124)
    assert held.clip(1).dtype == np.float16
    frontend = LogMelFrontEnd(**form.settings)
    expected = frontend(torch.from_numpy(noise.astype(np.float32) / 32768)[None])[0]
    assert np.abs(form.of(Clip(noise, 0)) - expected.numpy()).max() <= 2**-7, "steps of float16"
    assert not (tmp_path / "clips.i16").exists()
    assert held.count(1) == 1
    assert mixtures.mixed == [1]
    again = HeldOnDisk(tmp_path, mixtures, 2, form)
    assert len(again) == 1, "what is there is recognised, though features are rounded"
    folders = {held_folder(tmp_path, {"seed": 1}, kind) for kind in (None, Sound(), form)}
    assert len(folders) == 2, "features have a folder of their own"


def test_all_clips_are_made_beforehand_and_a_killed_run_goes_on(tmp_path) -> None:
    HeldOnDisk(tmp_path, CountedClips(), 7).keep(4)
    held = HeldOnDisk(tmp_path, CountedClips(), 7)
    assert held.missing().tolist() == [0, 1, 2, 3, 5, 6]
    fill(held)
    assert held.missing().tolist() == []
    assert [held.clip(index)[0] for index in range(7)] == list(range(7))
    fill(held)  # nothing is left to do
    mixtures = CountedClips()
    assert len(HeldOnDisk(tmp_path, mixtures, 7)) == 7
    assert mixtures.mixed == [0]


def test_each_kind_of_clips_has_its_folder(tmp_path) -> None:
    folders = {held_folder(tmp_path, {"seed": seed, "rooms": 10}) for seed in (1, 2)}
    assert len(folders) == 2
    assert held_folder(tmp_path, {"rooms": 10, "seed": 1}) in folders
