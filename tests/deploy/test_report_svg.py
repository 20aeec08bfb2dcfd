from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deploy.report_svg import Axis, Chart, category_axis, heatmap, linear_axis, log_axis

finite = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)


@given(st.lists(finite, min_size=1, max_size=20), st.sampled_from([0.0, None]))
@example([25_001.0, -1e-5], None)
@example([-101.0, -100.5], None)
def test_a_linear_axis_holds_its_values_between_a_few_round_ticks(
    values: list[float], low: float | None
) -> None:
    if low == 0.0:
        values = [abs(value) for value in values]
    axis = linear_axis("x", values, low)
    unseen = 1e-9 * (axis.high - axis.low)  # so little beyond a tick makes no further tick
    assert axis.low <= min(values) + unseen
    assert axis.high >= max(values) - unseen
    assert axis.low < axis.high
    assert 2 <= len(axis.ticks) <= 12
    assert axis.share(axis.low) == 0
    assert axis.share(axis.high) == 1


@given(st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=20))
def test_a_log_axis_holds_its_values(values: list[float]) -> None:
    axis = log_axis("x", values)
    assert all(0 < axis.share(value) < 1 for value in values)
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)


@pytest.mark.parametrize("values", [[0.5, 0.5 + 1e-16], [1e-14, 2e-14], [0.0, 1e-15], [3e99]])
def test_values_that_differ_by_a_rounding_have_an_axis(values: list[float]) -> None:
    axis = linear_axis("x", values, low=None)
    assert axis.low < axis.high
    assert 2 <= len(axis.ticks) <= 12


def test_linear_ticks_are_ones_twos_and_fives() -> None:
    assert linear_axis("x", [0.93]).ticks == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert linear_axis("x", [1.21, 1.38], low=None).ticks == (1.2, 1.25, 1.3, 1.35, 1.4)
    assert linear_axis("x", [0.0]).ticks[0] == 0.0


def test_categories_lie_in_the_middle_of_their_share() -> None:
    axis = category_axis("x", ["a", "b"])
    assert [axis.share(at) for at in axis.ticks] == [0.25, 0.75]
    assert [name for _, name in axis.tick_names()] == ["a", "b"]


def test_marks_are_placed_by_their_axes_and_texts_are_escaped() -> None:
    chart = Chart(Axis("x <ms>", 0, 10, (0, 10)), Axis("y", 0, 100, (0, 100)))
    chart.points([(0, 0), (10, 100)], "c1", ["first & last", "b"])
    chart.bars([(0, 5, 0, 50)], "c2", ["half"])
    chart.intervals([(5, 0, 100)], "c1")
    chart.line([(0, 100), (10, 0)], "faint")
    chart.rule(5, 'p50 "5"', "c3")

    root = ElementTree.fromstring(chart.svg('a "chart"'))

    assert (root.get("role"), root.get("aria-label")) == ("img", 'a "chart"')
    first, last = root.findall("circle")
    assert (first.get("cx"), first.get("cy")) == ("62.0", "272.0")
    assert (last.get("cx"), last.get("cy")) == ("544.0", "14.0")
    assert [title.text for title in root.iter("title")] == ["first & last", "b", "half"]
    (bar,) = root.findall("rect")
    assert (bar.get("width"), bar.get("height")) == ("241.0", "129.0")
    texts = [text.text for text in root.iter("text")]
    assert {"x <ms>", "y", 'p50 "5"'} <= set(texts)


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_a_cell_is_as_opaque_as_its_share_of_the_row(share: float) -> None:
    right = round(4 * share)
    svg = heatmap([[right, 4 - right], [0, 0]], ["a", "b"], "level", "alt")
    root = ElementTree.fromstring(svg)
    first = root.findall("rect")[0]
    assert first.get("fill-opacity") == f"{share:.3f}"
    style = "on-dark" if share > 0.5 else "on-light"
    assert re.search(rf'<text class="{style}"[^>]*>{right}</text>', svg)
    assert len(root.findall("rect")) == 4  # an empty row has cells, and no division by its sum
