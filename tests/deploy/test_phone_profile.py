"""`python -m deploy profile-phone` with lowering replaced and a phone that takes what it should."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy import phone_profile
from deploy.__main__ import main
from deploy.cost_programs import Program
from deploy.cost_table import sole_writer
from deploy.phone_files import ROOT
from deploy.phone_pieces import NOT_ASKED, ROUNDS
from search_spaces.cost import costs
from search_spaces.cost_table import read_cost_table
from tests.deploy.phone_device.device import PhoneDevice
from tests.deploy.phone_device.runners import ScriptedRunner

Profile = Callable[..., int]


@pytest.fixture
def latency_ms(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], float]:
    """Replaces lowering; each program takes 0.1 us per MAC of its net, whole or front end."""
    latency_ms: dict[str, float] = {}

    def lower(programs: list[Program], folder: Path, processes: int) -> Iterator[Program]:
        folder.mkdir(exist_ok=True)
        for program in programs:
            cost = costs(program.architecture)
            macs = cost.frontend_macs if program.part == "frontend" else cost.macs
            latency_ms[program.key] = 1e-7 * macs
            if not program.path(folder).exists():
                program.path(folder).write_text(program.key)
            yield program

    monkeypatch.setattr(phone_profile, "lower_programs", lower)
    return latency_ms.__getitem__


@pytest.fixture
def command(runner_folder: Path, tmp_path: Path) -> Profile:
    """Runs the command."""

    def run(*arguments: str) -> int:
        given = ["--space", "sam-lite", "--out", str(tmp_path / "cost_table.json")]
        given += ["--runner", str(runner_folder), "--precision", "fp32"]
        return main(["profile-phone", *given, *arguments])

    return run


@pytest.fixture
def profile(phone: PhoneDevice, latency_ms: Callable[[str], float], command: Profile) -> Profile:
    """Runs the command; one phone is there."""
    phone.runner = ScriptedRunner(latency_ms=latency_ms)
    return command


def test_a_table_that_another_command_writes_is_refused(
    profile: Profile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sole_writer(tmp_path / "cost_table.json"):
        assert profile("--subnets", "4", "--holdout", "3") == 2
    assert "cost_table.json: another command is writing it; wait" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("cost_table")]


def test_the_table_of_the_phone_is_one_that_the_search_takes(
    phone: PhoneDevice, profile: Profile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forty = ("--subnets", "40", "--holdout", "10")
    assert profile(*forty) == 0
    table = read_cost_table(tmp_path / "cost_table.json")
    judged = table.held_out("latency_ms", "fp32")
    assert judged is not None
    assert judged.subnets == 10
    assert judged.within_10_percent >= 0.9
    assert table.device["name"] == "Test Loopback 1"
    assert table.runtime["version"] == "1.4.1"
    assert table.energy == {"method": None, "reason": NOT_ASKED}
    assert phone.runner.starts == ROUNDS
    assert phone.files(ROOT) == []
    printed = capsys.readouterr().out
    assert "of 10 unseen nets within 10 %" in printed
    assert f"energy: {NOT_ASKED}" in printed
    assert profile(*forty) == 0  # all was measured: nothing runs again
    assert phone.runner.starts == ROUNDS


def test_cut_off_in_a_round_it_continues_with_that_round(
    phone: PhoneDevice, profile: Profile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_model = phone.runner.latency_ms

    def crash_in_the_third_round(key: str) -> float:
        if phone.runner.starts == 3:
            phone.unplug()
        return run_model(key)

    phone.runner.latency_ms = crash_in_the_third_round
    assert profile("--quick") == 2
    assert "connection lost" in capsys.readouterr().err
    raw = (tmp_path / "cost_table.raw.jsonl").read_text().splitlines()
    rounds = {json.loads(line)["round"] for line in raw[1:] if line}
    assert rounds == {0, 1}
    phone.runner.latency_ms = run_model
    phone.plug()
    assert profile("--quick") == 0
    assert read_cost_table(tmp_path / "cost_table.json").has("latency_ms", "fp32")
    assert phone.files(ROOT) == []


def test_what_was_measured_on_one_phone_is_not_taken_for_another(
    make_phone: Callable[[], PhoneDevice],
    latency_ms: Callable[[str], float],
    command: Profile,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = make_phone(), make_phone()
    for device in (first, second):
        device.runner = ScriptedRunner(latency_ms=latency_ms)
    assert command("--quick", "--serial", first.serial) == 0
    assert command("--quick", "--serial", second.serial) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "cost_table.raw.jsonl: was measured with another phone (" in error
    assert second.runner.starts == 0
    kept = [(tmp_path / f"cost_table{end}").read_text() for end in (".json", ".raw.jsonl")]
    assert not any(first.serial in text for text in kept)


def test_a_phone_is_the_same_by_cable_and_by_network(
    make_phone: Callable[[], PhoneDevice], latency_ms: Callable[[str], float], command: Profile
) -> None:
    """adb names it by its address then; the phone itself tells the serial that it always had."""
    cable, network = make_phone(), make_phone()
    for connection in (cable, network):
        connection.runner = ScriptedRunner(latency_ms=latency_ms)
        connection.phone.properties["ro.serialno"] = "0123456789ABCDEF"
    assert command("--quick", "--serial", cable.serial) == 0
    assert command("--quick", "--serial", network.serial) == 0
    assert network.runner.starts == 0


def test_energy_of_some_nets_goes_into_the_table(
    phone: PhoneDevice, profile: Profile, tmp_path: Path
) -> None:
    phone.runner.energy_mj = lambda key: 2 * phone.runner.latency_ms(key)
    assert profile("--quick", "--energy-nets", "4") == 0
    table = read_cost_table(tmp_path / "cost_table.json")
    assert table.energy["method"] == "battery_charge_counter, above the idle phone, 3 windows"
    metered = [piece for piece in table.pieces if piece.energy_mj]
    assert [piece.part for piece in metered] == ["frontend"] * 4 + ["whole"] * 4
    for piece in metered:
        assert piece.energy_mj["fp32"] == pytest.approx(2 * piece.latency_ms["fp32"])
    assert table.has("energy_mj", "fp32")


def test_a_phone_without_a_meter_gives_a_table_without_energy(
    phone: PhoneDevice, profile: Profile, tmp_path: Path
) -> None:
    assert profile("--quick", "--energy-nets", "2") == 0
    table = read_cost_table(tmp_path / "cost_table.json")
    assert table.energy["method"] is None
    assert str(table.energy["reason"]).endswith(": charging by usb")


def test_a_net_that_does_not_run_is_one_line(
    phone: PhoneDevice, profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.runner.failing = "fp32"
    assert profile("--quick") == 2
    assert "fp32: differs from its vectors" in capsys.readouterr().err.splitlines()[-1]
