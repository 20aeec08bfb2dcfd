from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.read_ahead import read_ahead


@given(st.lists(st.integers(), max_size=20), st.integers(1, 4))
def test_items_come_in_order_whatever_they_are(items: list[int], depth: int) -> None:
    assert list(read_ahead(iter(items), depth)) == items


def test_no_more_than_depth_items_wait_to_be_asked_for() -> None:
    made: list[int] = []
    threads = threading.active_count()

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    ahead = read_ahead(items(), depth=2)
    assert next(ahead) == 0
    ahead.close()
    assert len(made) <= 1 + 2 + 1 + 1  # taken, waiting, in the hand of the thread, on its way
    assert threading.active_count() == threads


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    ahead = read_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_items_are_made_while_the_caller_works() -> None:
    second_made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        second_made.set()
        yield 2

    ahead = read_ahead(items())
    next(ahead)
    assert second_made.wait(timeout=30)
    assert list(ahead) == [2]
