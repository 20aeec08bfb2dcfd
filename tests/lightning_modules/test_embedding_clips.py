from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from lightning_modules.datamodule_embedding import EmbeddingDataModule
from lightning_modules.embedding_clips import (
    PairBatches,
    Stretch,
    TargetBatches,
    cut,
    near_pair,
    other_views,
    stretches_of,
)
from lightning_modules.embedding_recordings import read_unlabelled, without_labels
from lightning_modules.embedding_targets import teacher_says, units_of
from lightning_modules.teacher import Teacher
from search_spaces.errors import UserError
from search_spaces.task_embedding import TeacherTask
from tests.lightning_modules.recording_folder import write_folder, write_recording

TASK = TeacherTask(2)


def ramp(samples: int) -> np.ndarray:
    return np.arange(samples, dtype=np.int16)


def test_stretches_follow_each_other_and_a_short_end_is_left_out():
    found = stretches_of([ramp(24), ramp(16), ramp(3)], samples=10)
    assert found == [Stretch(0, 0), Stretch(0, 10), Stretch(1, 0), Stretch(1, 10), Stretch(2, 0)]
    clips = cut([ramp(24), ramp(16), ramp(3)], found[-2:], 10, TASK)
    assert clips.tolist() == [[0, 0, 10, 11, 12, 13, 14, 15, 0, 0], [*[0] * 4, 1, 2, *[0] * 4]]


@given(st.integers(1, 60), st.integers(0, 100), st.floats(0.0, 0.5))
@example(1, 31, 0.225)  # a speed of 1.2, whose fifth step is the last sample itself
def test_other_views_are_near_their_stretch_and_within_the_recording(
    length: int, seed: int, widest: float
):
    sounds = [ramp(length), ramp(7)]
    chosen = stretches_of(sounds, 10)
    found = other_views(chosen, sounds, 10, 3, widest, seed)
    assert found == other_views(chosen, sounds, 10, 3, widest, seed)
    assert [view.sound for view in found] == 3 * [stretch.sound for stretch in chosen]
    clips = cut(sounds, found, 10, TASK)
    for view, clip, stretch in zip(found, clips, 3 * chosen, strict=True):
        assert 1 / (1 + widest) - 1e-3 <= view.speed <= 1 + widest + 1e-3
        sound = sounds[view.sound]
        assert 0 <= view.start <= max(0, len(sound) - 10 * view.speed)
        assert view.start <= stretch.start + 5
        # a ramp is as steep as it is played fast; what a short recording lacks is silence
        heard = view.start + np.arange(0, len(sound) - 1 - view.start, view.speed)[:10]
        if view.speed != 1:
            before = (10 - len(heard)) // 2
            assert np.abs(clip[before : before + len(heard)] - heard).max(initial=0) <= 0.51


def test_views_have_channels_of_their_own_and_are_else_the_same():
    chosen = stretches_of([ramp(40)], 10)
    plain = other_views(chosen, [ramp(40)], 10, 2, 0.1, 3)
    through = other_views(chosen, [ramp(40)], 10, 2, 0.1, 3, channels=True)
    assert [view._replace(channel=0) for view in through] == plain
    assert len({view.channel for view in through} | {0}) == len(plain) + 1
    sound = [1000 + ramp(40)]
    clips = cut(sound, through, 10, TASK)
    assert (clips != cut(sound, plain, 10, TASK)).any(axis=1).all()
    assert (clips == cut(sound, through, 10, TASK)).all()


def test_a_teacher_hears_the_channel_and_is_asked_anew_about_it(tmp_path: Path):
    sounds, calls = [1000 + ramp(400)], []
    plain, through = Stretch(0, 5), Stretch(0, 5, channel=7)
    heard = cut(sounds, [through], 10, TASK)[0, :2].tolist()
    for stretch in (plain, through, through):
        said = teacher_says(asked(calls), sounds, ["a"], [stretch], 10, TASK, tmp_path)
    assert said.tolist() == [heard]
    assert heard != [1005, 1006]
    assert len(list(tmp_path.rglob("*.npy"))) == 2


def test_a_teacher_is_asked_about_other_views_too(tmp_path: Path):
    sounds, calls = [ramp(400)], []
    chosen = [Stretch(0, 5), Stretch(0, 5, 1.25)]
    said = teacher_says(asked(calls), sounds, ["a"], chosen, 10, TASK, tmp_path)
    assert said.tolist() == [[5, 6], [5, 6]]  # 6.25, rounded
    assert len(list(tmp_path.rglob("*.npy"))) == 1


@given(st.integers(1, 200), st.integers(1, 100), st.integers(0, 1000))
def test_a_pair_is_near_and_does_not_overlap_where_it_need_not(
    length: int, farthest: int, seed: int
):
    clips = near_pair(1 + ramp(length), 10, farthest, np.random.default_rng(seed))
    assert clips.shape == (2, 10)
    if length < 10:
        assert all(np.trim_zeros(clip).tolist() == (1 + ramp(length)).tolist() for clip in clips)
        return
    first, second = (int(clip[0]) for clip in clips)
    assert abs(first - second) <= farthest
    room = max(min(farthest, length - 10 - (first - 1)), min(farthest, first - 1))
    assert abs(first - second) >= (10 if room >= 10 else room)


def test_batches_are_functions_of_seed_and_step():
    sounds = [ramp(40), ramp(50) + 1000, ramp(60) + 2000]
    files = np.array([5, 6, 5])  # two of the recordings are stretches of one file
    pairs = PairBatches(sounds, files, samples=10, pairs=3, farthest_samples=20, seed=1)
    labelled = pairs[4]["labelled"]
    assert labelled["hi"].tolist() == files[labelled["lo"]].tolist()
    thousands = (labelled["waveform"][:, 0] // 1000).tolist()
    assert labelled["lo"].tolist() == thousands
    assert sorted(thousands) == [0, 0, 1, 1, 2, 2]
    assert torch.equal(pairs[4]["labelled"]["waveform"], labelled["waveform"])
    assert pairs[4]["unlabelled"]["waveform"].shape == (0, 10)
    chosen = stretches_of(sounds, 10)
    targets = np.array([stretch[:2] for stretch in chosen], np.float32)
    batch = TargetBatches(sounds, chosen, targets, TASK, 10, 5, seed=1)[2]["labelled"]
    assert batch["waveform"][:, 0].tolist() == (batch["lo"] @ torch.tensor([1000.0, 1])).tolist()


def asked(calls: list[int]) -> Teacher:
    def answer(clips: torch.Tensor) -> torch.Tensor:
        calls.append(len(clips))
        return clips[:, :2] * 32768

    return Teacher("t", answer, None, None, "a" * 64, 1, 10)


def test_a_teacher_is_asked_once(tmp_path: Path):
    sounds, calls = [ramp(40), ramp(50)], []
    chosen = stretches_of(sounds, 10)
    teacher = asked(calls)
    for _ in range(2):
        said = teacher_says(teacher, sounds, ["a", "b"], chosen, 10, TASK, tmp_path)
    assert said[:, 0].tolist() == [stretch.start for stretch in chosen]
    assert sum(calls) == 4 + len(chosen)  # four to know its dimensions, and that it repeats itself
    (kept,) = tmp_path.rglob("*.npy")
    kept.write_bytes(b"?")
    with pytest.raises(UserError, match="damaged; delete it, it is made anew"):
        teacher_says(teacher, sounds, ["a", "b"], chosen, 10, TASK, tmp_path)


def test_units_have_variance_one_and_need_a_teacher_that_says_something():
    said = np.array([[1.0, 10.0], [3.0, 10.0]], np.float32)
    units = units_of(said, "t")
    assert units.mean.tolist() == [2, 10]
    assert np.square(units.of(said.copy())).mean() == pytest.approx(1)
    assert units.of(said) is said
    with pytest.raises(UserError, match="t: answers all of the 3 training clips alike"):
        units_of(np.ones((3, 2), np.float32), "t")


def test_answers_are_in_memory_once(tmp_path: Path):
    sounds, dimensions = [ramp(40)], 512
    teacher = Teacher("t", wide(dimensions), None, None, "a" * 64, 1, 10)
    chosen = [Stretch(0, start % 3) for start in range(4096)]
    teacher_says(teacher, sounds, ["a"], chosen[:1], 10, TASK, tmp_path)
    tracemalloc.start()
    said = teacher_says(teacher, sounds, ["a"], chosen, 10, TASK, tmp_path)
    found = units_of(said, "t").of(said)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.6 * found.nbytes  # and a part of them in another form


def wide(dimensions: int) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda clips: clips[:, :1] * 32768 + torch.arange(dimensions)


def test_no_clips_have_no_answers(tmp_path: Path):
    assert teacher_says(asked([]), [], [], [], 10, TASK, tmp_path).shape == (0, 2)


def test_recordings_of_any_folder_without_their_labels(tmp_path: Path):
    root = write_folder(tmp_path / "data", each=1)
    items = read_unlabelled(root)
    assert {item.labels for item in items} == {("recording",)}
    assert {item.speaker for item in items} == {"ann", "bob", "cy", "dee", "eve"}
    assert all(item.path.is_file() for item in items)
    (tmp_path / "list.csv").write_text("path,label,speaker\ndata/low/ann/0.wav,low,ann\n")
    (item,) = read_unlabelled(tmp_path / "list.csv")
    assert (item.labels, item.speaker) == (("recording",), "ann")
    assert without_labels([item])[0].labels == ()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"^root: .*: holds no wav, flac, mp3 or ogg file"):
        read_unlabelled(tmp_path / "empty")


def test_a_published_data_set_says_who_speaks_there_too(tmp_path: Path):
    for word in ("yes", "no"):
        for speaker in ("0a7c", "0b09"):
            write_recording(tmp_path / word / f"{speaker}_nohash_0.wav", 300)
    (tmp_path / "testing_list.txt").write_text("yes/0b09_nohash_0.wav\nno/0b09_nohash_0.wav\n")
    items = read_unlabelled(tmp_path)  # the parent folder is a word
    found = {(item.speaker, item.split, item.labels) for item in items}
    assert found == {("0a7c", "train", ("recording",)), ("0b09", "test", ("recording",))}


def test_a_reader_who_trained_does_not_test_when_others_have_joined(tmp_path: Path):
    def opened() -> EmbeddingDataModule:
        data = EmbeddingDataModule(
            str(tmp_path / "speech"),
            space="sam-nano-1s",
            dimensions=2,
            labels=str(tmp_path / "labels.csv"),
            cache=str(tmp_path / "cache"),
        )
        data.prepare_data()
        return data

    for reader in range(10):
        write_recording(tmp_path / "speech" / str(reader) / "0.wav", 200, seed=reader)
    opened().setup("fit")
    opened().setup("test")
    for reader in range(10, 40):  # a fifth of 40 reaches reader 4, in the order of their hashes
        write_recording(tmp_path / "speech" / str(reader) / "0.wav", 200, seed=reader)
    with pytest.raises(UserError, match=r"labels.csv: lists 4/0.wav, which would test now; ask fo"):
        opened().setup("test")
