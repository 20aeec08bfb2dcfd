"""A wrong flag is one line, like every other bad input."""

import argparse

import pytest

from search_spaces.command_line import (
    CommandParser,
    positive_number,
    positive_whole_number,
    whole_number,
    whole_number_within,
)
from search_spaces.errors import UserError


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (positive_number, "0.5", 0.5),
        (positive_number, "1e6", 1e6),
        (whole_number, "0", 0),
        (positive_whole_number, "12", 12),
        (whole_number_within(2, 12), "12", 12),
    ],
)
def test_numbers(parse, text, value):
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (positive_number, "0", "got '0', expected a number above 0"),
        (positive_number, "-1", "expected a number above 0"),
        (positive_number, "nan", "expected a number above 0"),
        (positive_number, "inf", "expected a number above 0"),
        (positive_number, "ten", "got 'ten', expected a number above 0"),
        (whole_number, "-1", "got '-1', expected a whole number, 0 or more"),
        (whole_number, "1.5", "got '1.5', expected a whole number, 0 or more"),
        (whole_number_within(2, 12), "13", "got '13', expected a whole number, 2 to 12"),
        (whole_number_within(2, 12), "9" * 5000, f"got '{'9' * 20}', expected"),
        (positive_whole_number, "0", "got '0', expected a whole number, 1 or more"),
    ],
)
def test_texts_that_are_no_such_number(parse, text, message):
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        parse(text)


def test_a_wrong_flag_raises_one_line_that_names_it():
    parser = CommandParser(prog="python -m kit")
    parser.add_argument("--size", type=positive_number)
    with pytest.raises(UserError, match=r"argument --size: got '0', expected .* `python -m kit"):
        parser.parse_args(["--size", "0"])
    with pytest.raises(UserError, match="unrecognized arguments: --sise"):
        parser.parse_args(["--sise", "3"])


def test_a_flag_of_several_values_that_is_given_again_adds_to_them():
    parser = CommandParser(prog="x")
    group = parser.add_argument_group("group")
    group.add_argument("--bundle", nargs="+", default=["shipped"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("files", nargs="*")

    line = ["--bundle", "a", "b", "f", "--seed", "1", "--bundle", "c", "--seed", "2"]
    given = parser.parse_intermixed_args(line)

    assert given.bundle == ["a", "b", "f", "c"]
    assert given.seed == 2
    assert parser.parse_args([]).bundle == ["shipped"]
