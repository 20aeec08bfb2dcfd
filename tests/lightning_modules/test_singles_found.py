"""Clips of one voice are found by a net; here one that knows the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_modules import singles_found
from lightning_modules.mixtures import Mixtures
from lightning_modules.mixtures_open import open_mixtures
from lightning_modules.singles_found import find_singles
from lightning_modules.sources_cache import open_speech
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from search_spaces.supernet import build_supernet
from search_spaces.supernet_file import write_supernet
from search_spaces.task_classes import ClassesTask

CLIPS = range(5, 305)


class Oracle:
    """Sure of every clip's count, as a net's logits; counts how often it is asked."""

    def __init__(self, mixtures: Mixtures) -> None:
        clips = [mixtures[index] for index in CLIPS]
        self.counts = {clip.samples.tobytes(): int(clip.count) for clip in clips}
        self.asked = 0

    def __call__(self, waveform: torch.Tensor) -> torch.Tensor:
        self.asked += len(waveform)
        samples = (waveform * 32768).to(torch.int16).numpy()
        counts = torch.tensor([self.counts[clip.tobytes()] for clip in samples])
        return 10.0 * torch.nn.functional.one_hot(counts, 11)


@pytest.fixture(scope="module")
def mixtures(prepared_speech: Path) -> Mixtures:
    return open_mixtures(open_speech(prepared_speech), "libricount", 0, "train")


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    write_supernet(tmp_path / "teacher.pt", build_supernet(get_space("sam-nano")), {})
    return tmp_path / "teacher.pt"


@pytest.fixture
def oracle(mixtures: Mixtures, monkeypatch: pytest.MonkeyPatch) -> Oracle:
    oracle = Oracle(mixtures)
    monkeypatch.setattr(singles_found, "_read_net", lambda path: oracle)
    return oracle


def test_clips_of_one_voice_and_of_none_are_kept(
    oracle: Oracle,
    teacher: Path,
    mixtures: Mixtures,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    found = find_singles(teacher, mixtures, CLIPS, 0.6, {}, tmp_path)
    for sounds, count in ((found.voices, 1), (found.quiet, 0)):
        expected = [mixtures[index].samples for index in CLIPS if mixtures[index].count == count]
        assert np.array_equal(sounds, expected)
    assert oracle.asked == len(CLIPS)
    voices, quiet = len(found.voices), len(found.quiet)
    said = f"sure of one voice in {voices} and of none in {quiet} of {len(CLIPS)} unlabelled clips"
    assert said in capsys.readouterr().err


def test_a_net_is_asked_once_and_goes_on_where_it_was_killed(
    oracle: Oracle, teacher: Path, mixtures: Mixtures, tmp_path: Path
):
    first = find_singles(teacher, mixtures, CLIPS, 0.6, {}, tmp_path)
    parts = sorted(tmp_path.rglob("heard-*.npy"))
    assert len(parts) == 3
    parts[1].unlink()
    again = find_singles(teacher, mixtures, CLIPS, 0.6, {}, tmp_path)
    assert oracle.asked == len(CLIPS) + 100
    assert np.array_equal(first.voices, again.voices)
    find_singles(teacher, mixtures, CLIPS, 0.6, {"seed": 1}, tmp_path)  # other clips
    assert oracle.asked == 2 * len(CLIPS) + 100
    parts[0].write_bytes(b"")
    with pytest.raises(UserError, match=r"heard-.*.npy: missing or damaged; delete it"):
        find_singles(teacher, mixtures, CLIPS, 0.6, {}, tmp_path)


def test_too_few_are_said(oracle: Oracle, teacher: Path, mixtures: Mixtures, tmp_path: Path):
    with pytest.raises(
        UserError, match=r"data.singles_from: .*teacher.pt is sure of one voice in 0 of 300 clips"
    ):
        find_singles(teacher, mixtures, CLIPS, 0.9999999, {}, tmp_path)


def test_a_trained_net_is_asked_for_probabilities(
    teacher: Path, mixtures: Mixtures, tmp_path: Path
):
    find_singles(teacher, mixtures, range(30), 0.0, {}, tmp_path)
    answer = np.load(next(tmp_path.rglob("heard-*.npy")))
    assert answer.shape == (30, 11)
    assert np.allclose(answer.sum(axis=1), 1.0, atol=1e-5)


def test_nets_that_do_not_count_are_refused(mixtures: Mixtures, tmp_path: Path):
    for space, task, message in (
        ("sam-nano", ClassesTask(("dog", "door")), "its 2 outputs are classes .* expected 11"),
        ("sam-nano-1s", None, r"sam-nano-1s, which does not hear clips of 5 s"),
    ):
        outputs = 2 if task else 11
        supernet = build_supernet(get_space(space), num_outputs=outputs)
        write_supernet(tmp_path / "net.pt", supernet, {}, *([task] if task else []))
        with pytest.raises(UserError, match=message):
            find_singles(tmp_path / "net.pt", mixtures, range(30), 0.6, {}, tmp_path)
