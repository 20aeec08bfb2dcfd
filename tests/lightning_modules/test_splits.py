from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.splits import SPLITS, largest_count, split_of, split_readers
from search_spaces.errors import UserError


def test_shares_are_70_10_20_percent() -> None:
    shares = Counter(split_of(f"reader {number}") for number in range(10_000))
    assert shares["train"] == pytest.approx(7000, abs=200)
    assert shares["validation"] == pytest.approx(1000, abs=150)
    assert shares["test"] == pytest.approx(2000, abs=200)


def test_a_readers_split_never_changes() -> None:
    """Pinned: a change would move test readers into training of older checkpoints."""
    assert [split_of(reader) for reader in ("19", "26", "87", "1246")] == [
        "train",
        "train",
        "validation",
        "test",
    ]


@given(st.integers(0, 10**6), st.text(min_size=1))
def test_nobody_is_in_two_splits_and_newcomers_move_nobody(first: int, new: str) -> None:
    readers = {str(number) for number in range(first, first + 80)}
    try:
        before, after = split_readers(readers), split_readers(readers | {new})
    except UserError:
        return  # unlucky ids: some split would have been empty
    assert sorted(reader for split in SPLITS for reader in before[split]) == sorted(readers)
    for split in SPLITS:
        assert set(before[split]) <= set(after[split])


def test_one_reader_is_refused() -> None:
    with pytest.raises(UserError, match=r"only one reader \(anna\)"):
        split_readers(["anna", "anna"])


def test_an_empty_split_is_refused_with_the_shares() -> None:
    trained = [name for name in map(str, range(40)) if split_of(name) == "train"]
    with pytest.raises(UserError, match=r"train \d+, validation 0, test 0; validation needs"):
        split_readers(trained)


def test_few_readers_limit_the_count_with_one_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert largest_count("validation", 4, 10) == 4
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert "validation has 4 readers" in warning
    assert largest_count("train", 10, 10) == 10
    assert capsys.readouterr().err == ""
