import json
from pathlib import Path

import pytest

from benchmarks import phone
from tests.deploy.phone_device.fixtures import adb_server

__all__ = ["adb_server"]


def test_the_tool_adds_little_to_the_phones_own_time(
    adb_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone, "REPEATS", 1)
    monkeypatch.setattr(phone, "PHONE_S", 0.1)
    monkeypatch.setattr("sys.argv", ["phone", "--out", str(tmp_path / "phone.json")])
    assert phone.main() == 0
    figures = json.loads((tmp_path / "phone.json").read_text())["figures"]
    assert [row["unit"] for row in figures] == ["s", "ms"]
    assert 0 < figures[0]["value"] < 30
    assert 0 < figures[1]["value"] < 500
