"""What the phone tells of itself, and when it is not fit for a job."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deploy.adb import Adb
from deploy.phone_runner import RunnerPackage, read_runner
from deploy.phone_state import PhoneState, check_fit, read_state
from search_spaces.errors import UserError
from tests.deploy.phone_device.device import PhoneDevice

FIT = PhoneState("Test 1", "S1", "x", 34, ("arm64-v8a",), 1_000_000_000, 80, locked=False)


def test_the_phone_is_read(phone: PhoneDevice) -> None:
    state = read_state(Adb(phone.serial), "/data/local/tmp")
    assert state.name == "Test Loopback 1"
    assert (state.sdk, state.abis, state.battery_percent) == (34, ("arm64-v8a",), 80)
    assert state.free_bytes == pytest.approx(8e9, abs=1024)
    assert not state.locked
    phone.phone.locked = True
    assert read_state(Adb(phone.serial), "/data/local/tmp").locked


def test_an_answer_that_makes_no_sense_is_one_line(phone: PhoneDevice) -> None:
    phone.phone.properties["ro.build.version.sdk"] = "thirty"
    with pytest.raises(UserError, match=r"answers `getprop` or `df` in a way that is not under"):
        read_state(Adb(phone.serial), "/data/local/tmp")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sdk": 25}, "has Android API 25, the runner needs 26 or later"),
        ({"abis": ("armeabi-v7a",)}, "runs armeabi-v7a, the runner was built for arm64-v8a"),
        ({"free_bytes": 10_000_000}, "has 10 MB free, needed are 80 MB; free some"),
        ({"locked": True}, "is locked; unlock it"),
        ({"battery_percent": 19}, "battery at 19 %, needed are 20 %; charge it"),
    ],
)
def test_a_phone_that_is_not_fit(runner_folder: Any, changed: dict[str, Any], message: str) -> None:
    runner: RunnerPackage = read_runner(runner_folder)
    check_fit("A1", FIT, runner, 30_000_000, 20)
    check_fit("A1", replace(FIT, battery_percent=None), runner, 30_000_000, 20)
    with pytest.raises(UserError, match=f"phone A1: {message}"):
        check_fit("A1", replace(FIT, **changed), runner, 30_000_000, 20)
