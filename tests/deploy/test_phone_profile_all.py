"""`python -m deploy profile-phone --all` with two phones, lowering replaced."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path

import pytest

from deploy import phone_profile_all
from deploy.phone_files import ROOT
from deploy.phone_pieces import ROUNDS
from search_spaces.cost_table import CostTable, read_cost_table
from tests.deploy.phone_device.device import PhoneDevice
from tests.deploy.phone_device.runners import ScriptedRunner
from tests.deploy.test_phone import wait_until
from tests.deploy.test_phone_profile import Profile, command, latency_ms

__all__ = ["command", "latency_ms"]
MODEL = "Test_Loopback_1"


@pytest.fixture
def phones(
    make_phone: Callable[[], PhoneDevice], latency_ms: Callable[[str], float]
) -> list[PhoneDevice]:
    """Two phones; the second takes a tenth longer."""
    made = [make_phone(), make_phone()]
    made[0].runner = ScriptedRunner(latency_ms=latency_ms)
    made[1].runner = ScriptedRunner(latency_ms=lambda key: 1.1 * latency_ms(key))
    return made


@pytest.fixture
def table_of(tmp_path: Path) -> Callable[[str], CostTable]:
    """Reads the table of a phone or model."""
    return lambda name: read_cost_table(tmp_path / name.replace(":", "_") / "cost_table.json")


def test_phones_of_a_model_are_measured_at_once_and_merged(
    phones: list[PhoneDevice],
    command: Profile,
    table_of: Callable[[str], CostTable],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    both = threading.Barrier(2)
    for phone in phones:
        quick, waited = phone.runner.latency_ms, threading.Event()

        def figure(key: str, quick=quick, waited=waited) -> float:
            if not waited.is_set():
                waited.set()
                both.wait(timeout=60)  # breaks if the other phone has to wait for this one
            return quick(key)

        phone.runner.latency_ms = figure
    assert command("--quick", "--all") == 0
    first, second = (table_of(phone.serial) for phone in phones)
    merged = table_of(MODEL)
    for ours, theirs, middle in zip(first.pieces, second.pieces, merged.pieces, strict=True):
        assert theirs.latency_ms["fp32"] == pytest.approx(1.1 * ours.latency_ms["fp32"])
        assert middle.latency_ms["fp32"] == pytest.approx(1.05 * ours.latency_ms["fp32"])
    assert merged.method.startswith("median of 2 phones, of each: on the phone")
    printed = capsys.readouterr().out
    assert "Test Loopback 1: 2 phones\n" in printed
    assert f"{phones[1].serial}: takes 1.048 times as long as the median phone" in printed
    assert "pieces differ by more than 10 %, the most by 10.0 %" in printed
    with (tmp_path / MODEL / "cost_table.phones.csv").open() as stream:
        assert {row["ratio"] for row in csv.DictReader(stream)} == {"1.1000"}
    assert [phone.files(ROOT) for phone in phones] == [[], []]
    assert not (tmp_path / "cost_table.programs").exists()


def test_a_phone_that_fails_stops_no_other_and_is_made_good_by_the_same_command(
    phones: list[PhoneDevice],
    command: Profile,
    table_of: Callable[[str], CostTable],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    phones[0].phone.locked = True
    assert command("--quick", "--all") == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert f"phone {phones[0].serial}: is locked" in errors[0]
    assert errors[1].startswith("error: 1 of 2 phones failed, nothing is merged; the same command")
    assert table_of(phones[1].serial).has("latency_ms", "fp32")
    assert not (tmp_path / MODEL).exists()
    phones[0].phone.locked = False
    assert command("--quick", "--all") == 0
    assert [phone.runner.starts for phone in phones] == [ROUNDS, ROUNDS]  # none was measured twice
    assert table_of(MODEL).has("latency_ms", "fp32")


def test_another_build_of_the_same_model_is_not_merged(
    phones: list[PhoneDevice],
    command: Profile,
    table_of: Callable[[str], CostTable],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    phones[1].phone.properties["ro.build.fingerprint"] = "test/loopback/1:14/Y/2:user/release-keys"
    assert command("--quick", "--all") == 2
    (error,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert "device.os is 'Android API 34 test/loopback/1:14/" in error
    assert "only tables of one phone model and build" in error
    assert not (tmp_path / MODEL).exists()
    assert all(table_of(phone.serial).has("latency_ms", "fp32") for phone in phones)


def test_each_model_has_its_own_table(
    phones: list[PhoneDevice],
    command: Profile,
    table_of: Callable[[str], CostTable],
    capsys: pytest.CaptureFixture[str],
):
    phones[1].phone.properties["ro.product.model"] = "Loopback 2"
    assert command("--quick", "--all") == 0
    assert table_of(MODEL).pieces == table_of(phones[0].serial).pieces
    assert table_of("Test_Loopback_2").pieces == table_of(phones[1].serial).pieces
    assert "Test Loopback 2: 1 phone\n" in capsys.readouterr().out


def test_ctrl_c_stops_the_jobs_on_all_phones(
    phones: list[PhoneDevice],
    command: Profile,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    for phone in phones:
        phone.runner = ScriptedRunner(seconds_per_model=60)
    pressed = []

    def press(running: object) -> None:
        if not pressed:
            pressed.append(True)
            wait_until(lambda: all(phone.runner.pid is not None for phone in phones), seconds=60)
            raise KeyboardInterrupt
        wait(running)

    monkeypatch.setattr(phone_profile_all, "wait", press)
    assert command("--quick", "--all") == 130
    err = capsys.readouterr().err
    assert all(f"phone {phone.serial}: stopping the job" in err for phone in phones)
    assert err.splitlines()[-1] == "interrupted"
    wait_until(lambda: all(phone.runner.pid is None for phone in phones))
    assert [phone.files(ROOT) for phone in phones] == [[], []]


def test_one_phone_or_all(command: Profile, capsys: pytest.CaptureFixture[str]):
    assert command("--quick", "--all", "--serial", "A") == 2
    assert "--serial: got 'A' together with --all, expected one of" in capsys.readouterr().err
