"""The client against a phone on loopback: exit codes, and every way in which a phone goes away."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from deploy import adb as adb_module
from deploy.adb import Adb, PhoneLostError, find_adb
from search_spaces.errors import UserError
from tests.deploy.phone_device.device import PhoneDevice

FOLDER = "/data/local/tmp/ersam"


def impatient(phone: PhoneDevice) -> Adb:
    return Adb(phone.serial, ping_every_s=0.2, ping_timeout_s=1.0)


def test_a_command_brings_its_output_and_exit_code(phone: PhoneDevice) -> None:
    adb = Adb(phone.serial)
    assert adb.shell(["echo", "a  b", "c'd"]).out == "a  b c'd\n"
    assert adb.shell(["pidof", "nobody"]).code == 1
    answer = adb.shell(["pidof", "nobody"], ["echo", "never"])
    assert (answer.code, answer.out) == (1, "")


def test_nothing_of_the_host_is_run(phone: PhoneDevice, tmp_path: Path) -> None:
    adb = Adb(phone.serial)
    assert adb.shell(["touch", str(tmp_path / "x")]).code == 127
    assert adb.shell(["rm", "-rf", "/../../../../escaped"]).code == 1
    assert phone.disk.root.exists()


def test_files_travel_both_ways(phone: PhoneDevice, tmp_path: Path) -> None:
    adb = Adb(phone.serial)
    source = tmp_path / "with space.bin"
    source.write_bytes(bytes(range(256)) * 3000)
    adb.shell(["mkdir", "-p", FOLDER])
    adb.push([source], FOLDER, timeout_s=20)
    adb.pull(f"{FOLDER}/with space.bin", tmp_path / "back", timeout_s=20)
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    with pytest.raises(UserError, match=r"could not copy /data/local/tmp/ersam/nothing"):
        adb.pull(f"{FOLDER}/nothing", tmp_path / "nothing", timeout_s=20)


def test_a_full_disk_is_named(phone: PhoneDevice, tmp_path: Path) -> None:
    adb = Adb(phone.serial)
    adb.shell(["mkdir", "-p", FOLDER])
    (tmp_path / "file").write_bytes(bytes(100_000))
    phone.disk.free_bytes = 1000
    with pytest.raises(UserError, match="no space left to copy files to /data/local/tmp/ersam"):
        adb.push([tmp_path / "file"], FOLDER, timeout_s=20)


# The exit code may come with the fourth message; after that nothing is left to be lost.
@pytest.mark.parametrize("message", range(1, 5))
def test_a_cable_pulled_in_an_answer_is_noticed_at_once(phone: PhoneDevice, message: int) -> None:
    phone.count_from_now()
    phone.cut_at = message
    begin = time.monotonic()
    with pytest.raises(PhoneLostError, match=r"connection lost, .*; connect it again and give"):
        Adb(phone.serial).shell(["getprop"])
    assert time.monotonic() - begin < 5


def test_silence_is_noticed_by_asking_for_a_sign_of_life(phone: PhoneDevice) -> None:
    phone.count_from_now()
    phone.silent_at = 4
    with pytest.raises(PhoneLostError, match="no sign of life during `getprop`"):
        impatient(phone).shell(["getprop"])


def test_garbage_is_no_answer(phone: PhoneDevice) -> None:
    phone.count_from_now()
    phone.garbage_at = 3
    with pytest.raises(PhoneLostError, match="connection lost"):
        Adb(phone.serial).shell(["getprop"])


def test_a_slow_phone_is_waited_for_but_not_for_ever(phone: PhoneDevice) -> None:
    phone.delay_s = 0.02
    assert impatient(phone).shell(["echo", "late"]).out == "late\n"
    with pytest.raises(UserError, match=r"`echo` did not end within 0 s; connect it again"):
        impatient(phone).shell(["echo", "late"], timeout_s=0.1)


def test_no_client_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adb_module.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match="adb: not found; install adbutils"):
        find_adb()
