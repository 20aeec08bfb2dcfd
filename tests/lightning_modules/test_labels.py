from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.audio import Int16
from lightning_modules.labels import (
    COLUMNS,
    Budget,
    Label,
    budget_labels,
    read_labels,
    write_labels,
)
from lightning_modules.libricount import LibriCount
from lightning_modules.mixtures import Mixtures
from search_spaces.errors import UserError


@pytest.fixture
def draw(voices: list[Int16], tmp_path: Path):
    def draw(labelled_clips: int = 10, seed: int = 0) -> list[Label]:
        budget = Budget.of(labelled_clips, 100)
        train = Mixtures(voices, LibriCount(), seed, "train", revealed=range(budget.train_labelled))
        validation = Mixtures(voices, LibriCount(), seed, "validation")
        path = tmp_path / "labels.csv"
        counts = [lambda i, clips=clips: int(clips[i].count) for clips in (train, validation)]
        return budget_labels(path, budget, "libricount", seed, *counts)

    return draw


@given(st.integers(2, 3000), st.integers(0, 3000))
def test_a_fifth_of_the_budget_is_for_validation(labelled: int, unlabelled: int) -> None:
    pool = labelled + unlabelled
    budget = Budget.of(labelled, pool)
    assert budget.train_labelled + budget.validation_labelled == labelled
    assert budget.validation_labelled == max(1, round(labelled / 5))
    assert 1 <= budget.train_labelled <= budget.train_pool < pool


def test_validation_may_take_another_share() -> None:
    assert Budget.of(100, 100, 10) == Budget(90, 10, 90)
    assert Budget.of(100, 200, 10) == Budget(90, 10, 160)
    for number in (0, 100):
        with pytest.raises(UserError, match=f"validation_clips: {number} of 100 labelled_clips"):
            Budget.of(100, 200, number)


def test_impossible_budgets_are_refused() -> None:
    with pytest.raises(
        UserError, match="101 is a label budget larger than the data, a pool of 100"
    ):
        Budget.of(101, 100)
    with pytest.raises(UserError, match="labelled_clips: 1, expected at least 2"):
        Budget.of(1, 100)


def test_labels_are_the_counts_of_the_first_clips(
    draw, voices: list[Int16], tmp_path: Path
) -> None:
    labels = draw(10)
    assert [label.clip for label in labels] == [
        *(f"train-{index:06d}" for index in range(8)),
        "validation-000000",
        "validation-000001",
    ]
    known = Mixtures(voices, LibriCount(), 0, "train")
    assert all(label.lo == label.hi == known[label.index].count for label in labels[:8])
    header, first, *_ = (tmp_path / "labels.csv").read_text().splitlines()
    assert header == "clip,use,protocol,seed,index,lo,hi,labelled_by"
    assert first == f"train-000000,train,libricount,0,0,{labels[0].lo},{labels[0].hi},generator"


def test_an_existing_file_is_kept_and_verified(draw, tmp_path: Path) -> None:
    labels = draw(10)
    before = (tmp_path / "labels.csv").stat().st_mtime_ns
    assert draw(10) == labels
    assert (tmp_path / "labels.csv").stat().st_mtime_ns == before
    with pytest.raises(UserError, match="holds 10 labels of another budget, protocol or seed"):
        draw(20)
    with pytest.raises(UserError, match="of another budget, protocol or seed"):
        draw(10, seed=1)


def test_a_larger_budget_holds_the_smaller_one(draw, tmp_path: Path) -> None:
    small = draw(10)
    (tmp_path / "labels.csv").unlink()
    assert set(small) <= set(draw(50))


def test_a_person_may_relabel_but_not_in_the_generators_name(draw, tmp_path: Path) -> None:
    labels = draw(10)
    by_hand = replace(labels[0], lo=2, hi=4, labelled_by="anna")
    write_labels(tmp_path / "labels.csv", [by_hand, *labels[1:]])
    assert draw(10)[0] == by_hand
    forged = replace(labels[0], lo=(labels[0].lo + 1) % 11, hi=10)
    write_labels(tmp_path / "labels.csv", [forged, *labels[1:]])
    with pytest.raises(UserError, match="train-000000 has another count than the speech gives"):
        draw(10)


@pytest.mark.parametrize("clip", ["train-000199", "validation-000000", "validation-000049"])
def test_counts_of_either_use_are_checked_from_first_to_last(tmp_path: Path, clip: str) -> None:
    budget, path = Budget.of(250, 500), tmp_path / "labels.csv"
    asked: list[int] = []

    def count(index: int) -> int:
        asked.append(index)
        return index % 11

    labels = budget_labels(path, budget, "libricount", 0, count, count)
    asked.clear()
    assert budget_labels(path, budget, "libricount", 0, count, count) == labels
    assert len(asked) == 32
    forged = [replace(row, lo=0, hi=10) if row.clip == clip else row for row in labels]
    write_labels(path, forged)
    with pytest.raises(UserError, match=f"{clip} has another count than the speech gives"):
        budget_labels(path, budget, "libricount", 0, count, count)


@settings(max_examples=20)
@given(
    st.lists(
        st.builds(
            lambda use, index, a, b, by: Label(
                f"{use}-{index}", use, "rooms", 3, index, min(a, b), max(a, b), by
            ),
            st.sampled_from(["train", "validation"]),
            st.integers(0, 10**6),
            st.integers(0, 10),
            st.integers(0, 10),
            st.text("abc ,\"'é", min_size=1),
        )
    )
)
def test_written_labels_are_read_back(tmp_path_factory, labels: list[Label]) -> None:
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    write_labels(path, labels)
    assert read_labels(path) == labels


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("c,train,libricount,0,0,3,2,me", "line 2: lo 3, hi 2; expected 0 <= lo <= hi <= 10"),
        ("c,train,libricount,0,0,0,11,me", "line 2: lo 0, hi 11"),
        ("c,train,libricount,0,0,one,2,me", "line 2: lo: 'one', expected a whole number"),
        ("c,train,libricount,0", "line 2: index: '', expected a whole number"),
        ("c,train,libricount,0,0,1", "line 2: hi: '', expected a whole number"),
        ("c,train,libricount,0,0,1,2", "line 2: labelled_by: is missing, the line is cut"),
        pytest.param(
            f"c,train,libricount,{'7' * 5000},0,1,2,me",
            "line 2: seed: '77777777777777777777...', expected a whole number >= 0 of at most 20",
            id="digits",
        ),
        ("c,test,libricount,0,0,1,2,me", "line 2: use: 'test', expected train or validation"),
    ],
)
def test_bad_rows_are_refused_by_line(tmp_path: Path, row: str, expected: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"{','.join(COLUMNS)}\n{row}\n")
    with pytest.raises(UserError, match=expected):
        read_labels(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"labels\.csv: cannot be read"):
        read_labels(tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="columns a,b; expected clip,use"):
        read_labels(tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        read_labels(tmp_path / "labels.csv")
