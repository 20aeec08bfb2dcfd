"""What numbers an option may have."""

from __future__ import annotations

import pytest

from lightning_modules.ranges import check_least, check_range, check_speed
from search_spaces.errors import UserError


def test_the_ends_of_a_range_belong_to_it():
    check_range("share", 0.0, 0.0, 1.0)
    check_range("share", 1.0, 0.0, 1.0)
    check_least(clips=(1, 1))
    check_speed("voice_speed", 0.0)
    check_speed("voice_speed", 0.5)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_lies_outside_is_refused_by_its_name_and_value(value):
    with pytest.raises(UserError, match=rf"^model\.share: got {value}, expected 0.0 to 1.0$"):
        check_range("share", value, 0.0, 1.0)


def test_a_range_without_an_upper_end_names_the_lower_one():
    with pytest.raises(UserError, match=r"^model\.steps: got -1, expected at least 0$"):
        check_range("steps", -1, 0)


def test_the_first_that_is_less_than_its_least_is_refused():
    with pytest.raises(UserError, match=r"^seed: -1, expected at least 0$"):
        check_least(clips=(4, 1), seed=(-1, 0), workers=(-1, 0))


@pytest.mark.parametrize("value", [-0.1, 0.6, float("nan")])
def test_a_speed_is_at_most_a_half_faster(value):
    with pytest.raises(UserError, match=rf"^speed: {value}, expected 0 \(off\) to 0.5$"):
        check_speed("speed", value)
