from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.errors import UserError
from search_spaces.task_embedding import ProximityTask, TeacherTask
from search_spaces.task_json import read_task, task_fields

TEACHER, TIME = TeacherTask(2), ProximityTask(2)


def test_distance_and_cosine_counted_by_hand():
    wanted = np.array([[1.0, 0.0], [0.0, 2.0]], np.float32)
    said = np.array([[1.0, 1.0], [0.0, 1.0]])  # 45 degrees off, then the right way but too short
    judged = TEACHER.judge(said, wanted, wanted)
    assert judged["distance"].value == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert judged["cosine_distance"].value == pytest.approx((1 - 2**-0.5) / 2)
    assert TEACHER.ranking_error(said, wanted, wanted) == pytest.approx(0.5)
    assert TEACHER.headline.text(judged["distance"].value) == "50.0 %"


@given(st.integers(2, 6), st.integers(0, 100))
def test_the_mean_of_the_teacher_has_the_blind_error(dimensions: int, seed: int):
    embeddings = np.random.default_rng(seed).standard_normal((50, dimensions))
    embeddings -= embeddings.mean(axis=0)
    embeddings = (embeddings / np.sqrt(np.square(embeddings).mean())).astype(np.float32)
    task = TeacherTask(dimensions)
    error = task.ranking_error(np.zeros((50, dimensions)), embeddings, embeddings)
    assert error == pytest.approx(task.blind_error, rel=1e-5)


def test_neighbours_counted_by_hand():
    said = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.8, 0.2]])
    of = np.array([0, 0, 1, 1])  # the last lies among the first two
    judged = TIME.judge(said, of, of)
    assert judged["neighbour_error"].value == pytest.approx(1 / 4)  # the last one
    # clip 1 is nearest to clip 0 (rank 1) and the last one to clips 1, 0, then 2 (rank 3)
    assert TIME.ranking_error(said, of, of) == pytest.approx(1 - (1 + 1 + 1 + 1 / 3) / 4)


def test_equal_embeddings_of_everything_are_no_success():
    of = np.array([0, 0, 1, 1])
    same = np.ones((4, 2))
    assert TIME.judge(same, of, of)["neighbour_error"].value == 1.0
    assert TIME.ranking_error(same, of, of) == pytest.approx(1 - 1 / 3)


def test_outputs_stay_as_they_are_and_are_spread_along_their_first_direction():
    outputs = torch.tensor([[-3.0, 4.0]])
    assert TEACHER.probabilities(outputs) is outputs
    assert TEACHER.outputs == ("0", "1")
    order = TEACHER.order(np.array([[0.0, 0.1], [5.0, 0.0], [10.0, 0.1]]))
    assert np.argsort(order).tolist() in ([0, 1, 2], [2, 1, 0])


@pytest.mark.parametrize("task", [TEACHER, TIME])
def test_files_give_the_task_back(task):
    assert read_task(task_fields(task)) == task
    assert not task.probabilistic


def test_what_cannot_be_is_refused():
    with pytest.raises(UserError, match="dimensions: got 1, expected 2 to 8192 of an embedding"):
        TeacherTask(1)
    unknown = {"task": {"kind": "embedding", "dimensions": 2, "learned_from": "dreams"}}
    with pytest.raises(UserError, match="learned from 'dreams', this kit knows teacher and time"):
        read_task(unknown)
    with pytest.raises(UserError, match=r"got lo \[1\] and hi \[1\], expected the teacher's emb"):
        TEACHER.judge(np.zeros((1, 2)), [0], [0])
    with pytest.raises(UserError, match="got no clips, expected at least one"):
        TEACHER.ranking_error(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2)))
    with pytest.raises(UserError, match=r"got lo \[2, 2\], expected \[2\], the recording of each"):
        TIME.judge(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(UserError, match="a recording with one clip only, expected at least two"):
        TIME.ranking_error(np.zeros((3, 2)), [0, 0, 1], [0, 0, 1])
