from pathlib import Path

import pytest

from deploy import device


def test_describes_this_host() -> None:
    described = device.describe_device()
    assert described["cores"] >= 1
    assert described["cpu"] in described["name"]
    assert described["memory_bytes"] > 100e6


def test_reads_what_the_system_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for zone, text in (("thermal_zone0", "41000\n"), ("thermal_zone1", "off")):
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "temp").write_text(text)
    (tmp_path / "BAT0").mkdir()
    (tmp_path / "BAT0" / "status").write_text("Discharging\n")
    (tmp_path / "governor").write_text("schedutil\n")
    monkeypatch.setattr(device, "_THERMAL", tmp_path)
    monkeypatch.setattr(device, "_POWER", tmp_path)
    monkeypatch.setattr(device, "_GOVERNOR", tmp_path / "governor")
    assert device.temperature_c() == {"value": 41.0, "reason": None}
    assert device.charging() == {"value": False, "reason": None}
    assert device.governor() == {"value": "schedutil", "reason": None}


def test_what_it_hides_is_null_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_THERMAL", "_POWER", "_GOVERNOR"):
        monkeypatch.setattr(device, name, tmp_path / "nothing")
    for said in (device.temperature_c(), device.charging(), device.governor()):
        assert said["value"] is None
        assert said["reason"]
