"""The picture of a frontier is a readable PNG with the budget drawn in."""

import struct

import pytest

from search_spaces.plot import Point, WinnerPoint, plot_frontier


@pytest.mark.parametrize("axis", ["latency_ms", "macs"])
def test_a_picture_for_every_axis(axis, tmp_path):
    path = tmp_path / "frontier.png"
    points = [Point(1000.0 * i, 0.5 / i) for i in range(1, 6)]
    winners = [
        WinnerPoint("net-1", 1000.0, 0.5, 0.5, 0.4, 0.6),
        WinnerPoint("net-2", 5e3, 0.1, 0.1, 0.0, 0.2),
    ]
    plot_frontier(
        path, axis, "int8", points, points[:3], winners, "net-2", limit=4000.0, error_title="error"
    )
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert content.startswith(b"\x89PNG")
    assert (width, height) == (1040, 650)
    assert [file.name for file in tmp_path.iterdir()] == ["frontier.png"]
