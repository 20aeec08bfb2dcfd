from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.errors import UserError
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask
from search_spaces.task_json import read_task, task_fields

ONE = ClassesTask(("a", "b", "c"))
SEVERAL = ClassesTask(("a", "b"), several=True)


def test_errors_of_one_class_each_counted_by_hand():
    said = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.9, 0.1, 0.0]])
    labels = np.array([0, 0, 1, 2])  # right, right, right, wrong
    judged = ONE.judge(said, labels, labels)
    assert judged["error"].value == pytest.approx(1 / 4)
    assert judged["balanced_error"].value == pytest.approx((0 + 0 + 1) / 3)
    assert judged["error"].low < 1 / 4 < judged["error"].high
    brier = [0.2**2 + 2 * 0.1**2, 0.4**2 + 0.3**2 + 0.1**2, 0.2**2 + 0.3**2 + 0.1**2]
    brier.append(0.9**2 + 0.1**2 + 1)
    assert ONE.ranking_error(said, labels, labels) == pytest.approx(np.mean(brier))


def test_the_balanced_error_has_an_interval_of_its_own():
    classes = np.repeat([0, 1, 2], [30, 3, 3])
    said = np.eye(3)[np.where(np.arange(36) == 0, 0, (classes + 1) % 3)]  # one of 36 is right
    nearly_all = ONE.judge(said, classes, classes)["balanced_error"]
    assert nearly_all.value == pytest.approx(1 - 1 / 30 / 3)
    assert 0.7 < nearly_all.low < nearly_all.value <= nearly_all.high <= 1.0
    none = ONE.judge(np.eye(3)[classes], classes, classes)["balanced_error"]
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 9))  # of three clips of each class


def test_a_net_that_always_says_one_class_is_not_certain():
    classes = np.repeat([0, 1], [6, 4])
    always = ONE.judge(np.eye(3)[np.zeros(10, np.int64)], classes, classes)["balanced_error"]
    assert always.value == 0.5
    assert 0.2 < always.low < 0.45
    assert 0.55 < always.high < 0.8
    assert isinstance(always.to_json()["low"], float)


def test_the_interval_of_the_balanced_error_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    clips, truth = np.array([60, 20, 20]), np.array([0.1, 0.4, 0.2])
    classes = np.repeat([0, 1, 2], clips)
    inside, trials = 0, 300
    for _ in range(trials):
        wrong = rng.random(100) < truth[classes]
        said = np.eye(3)[(classes + wrong) % 3]
        judged = ONE.judge(said, classes, classes, resamples=500)["balanced_error"]
        inside += judged.low <= truth.mean() <= judged.high
    assert 0.91 <= inside / trials <= 0.985


def test_errors_of_several_classes_and_unknown_ones():
    said = np.array([[0.9, 0.2], [0.4, 0.6]])
    lo, hi = np.array([[1, 0], [1, 0]]), np.array([[1, 0], [1, 1]])  # the last is not known
    judged = SEVERAL.judge(said, lo, hi)
    assert judged["error"].value == pytest.approx((0 + 1) / 2)
    assert judged["set_error"].value == pytest.approx(1 / 2)
    score = SEVERAL.ranking_error(said, lo, hi)
    assert score == pytest.approx((0.1**2 + 0.2**2 + 0.6**2) / 2)


def test_decisions():
    decision = ONE.decide([[0.2, 0.5, 0.3]])
    assert decision.said.tolist() == [[False, True, False]]
    assert decision.probability[0] == pytest.approx(0.5)
    both = SEVERAL.decide([[0.9, 0.6], [0.1, 0.3]])
    assert both.said.tolist() == [[True, True], [False, False]]
    assert both.probability.tolist() == pytest.approx([0.6, 0.7])


@given(st.integers(2, 6), st.integers(0, 100))
def test_the_score_is_proper_and_a_blind_net_has_the_blind_error(classes: int, seed: int):
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(np.ones(classes))
    other = rng.dirichlet(np.ones(classes))
    task = ClassesTask(tuple(map(str, range(classes))))
    labels = np.arange(classes)

    def expected(said: np.ndarray) -> float:
        scores = [task.ranking_error(said[None], [label], [label]) for label in labels]
        return float(truth @ scores)

    assert expected(truth) <= expected(other) + 1e-12
    even = np.full((classes, classes), 1 / classes)
    assert task.ranking_error(even, labels, labels) == pytest.approx(task.blind_error)


@pytest.mark.parametrize("task", [ONE, SEVERAL, CountsTask()])
def test_files_give_the_task_back(task):
    assert read_task(task_fields(task)) == task


def test_a_file_without_a_task_counts_people():
    levels = {"edges": [1, 3], "names": ["none", "few", "many"]}
    task = read_task({"levels": levels})
    assert isinstance(task, CountsTask)
    assert task.levels.names == ("none", "few", "many")
    with pytest.raises(UserError, match="task: got 'moods', this kit knows counts, classes and"):
        read_task({"task": {"kind": "moods"}})


@pytest.mark.parametrize(
    ("names", "several", "message"),
    [
        (("a",), False, r"classes: got \['a'\], expected at least 2"),
        ((), True, r"classes: got \[\], expected at least 1"),
        (("a", "a"), False, "expected distinct names"),
    ],
)
def test_classes_that_cannot_be_are_refused(names, several, message):
    with pytest.raises(UserError, match=message):
        ClassesTask(names, several)


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="a clip of several possible classes, expected one each"):
        ONE.judge(np.full((1, 3), 1 / 3), [0], [1])
    with pytest.raises(UserError, match=r"got lo \[2\] and hi \[2\], expected \[1, 2\] each"):
        SEVERAL.ranking_error(np.full((1, 2), 0.5), [0, 1], [0, 1])
    with pytest.raises(UserError, match="got no clips, expected at least one"):
        ONE.ranking_error(np.zeros((0, 3)), [], [])


def test_a_short_recording_is_followed_by_silence_and_a_murmur_repeated():
    sound = np.array([1.0, 2.0], np.float32)
    assert ONE.fill(sound, 5).tolist() == [0, 1, 2, 0, 0]
    assert CountsTask().fill(sound, 5).tolist() == [1, 2, 1, 2, 1]
