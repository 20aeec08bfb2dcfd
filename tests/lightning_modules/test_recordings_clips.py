from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_modules.recordings_clips import (
    RecordingBatches,
    anywhere,
    balance,
    labels_of,
    middle,
)
from search_spaces.task_classes import ClassesTask

TASK = ClassesTask(("a", "b", "c"))
TAGS = ClassesTask(("a", "b"), several=True)


def test_the_middle_of_a_long_recording_and_silence_around_a_short_one():
    long, short = np.arange(10, dtype=np.int16), np.ones(3, np.int16)
    assert middle(long, 4, TASK).tolist() == [3, 4, 5, 6]
    assert middle(short, 5, TASK).tolist() == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("length", [3, 5, 9])
def test_anywhere_keeps_the_sound_together(length: int):
    sound = np.arange(1, length + 1, dtype=np.int16)
    for seed in range(20):
        clip = anywhere(sound, 5, np.random.default_rng(seed))
        assert len(clip) == 5
        kept = clip[clip > 0]
        assert len(kept) == min(length, 5)
        assert (np.diff(kept) == 1).all()


def test_labels_are_an_index_or_yes_and_no():
    assert labels_of([("b",), ("a",)], TASK)[0].tolist() == [1, 0]
    assert labels_of([("b",), (), ("a", "b")], TAGS)[1].tolist() == [[0, 1], [0, 0], [1, 1]]


def test_rare_classes_come_as_often_as_frequent_ones():
    labels = labels_of([("a",)] * 6 + [("b",)] * 2 + [("c",)], TASK)
    repeats = balance(labels, TASK)
    assert repeats.tolist() == [1] * 6 + [3] * 2 + [6]
    assert balance(labels_of([("a",)] * 5 + [("a", "b")], TAGS), TAGS).tolist() == [1] * 5 + [6]


def batches(pool: int = 5) -> RecordingBatches:
    labelled = [np.full(4, place + 1, np.int16) for place in range(3)]
    unlabelled = [np.full(4, 100 + place, np.int16) for place in range(pool)]
    labels = labels_of([("a",), ("b",), ("c",)], TASK)
    return RecordingBatches(labelled, labels, unlabelled, TASK, 8, 6, 4, True, seed=3)


def test_a_batch_follows_from_its_number_and_holds_no_label_of_the_unlabelled():
    first, again, other = batches()[7], batches()[7], batches()[8]
    assert torch.equal(first["labelled"]["waveform"], again["labelled"]["waveform"])
    assert not torch.equal(first["unlabelled"]["waveform"], other["unlabelled"]["waveform"])
    assert first["labelled"]["waveform"].shape == (6, 8)
    assert list(first["unlabelled"]) == ["waveform"]
    value = first["labelled"]["waveform"].amax(dim=1).long()
    assert torch.equal(value - 1, first["labelled"]["lo"])
