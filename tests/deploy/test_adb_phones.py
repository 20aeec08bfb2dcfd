"""Which phone is meant, and which is not ready."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import adb_phones
from deploy.adb_phones import ListedPhone, choose_phones, connect, list_phones, parse_devices
from search_spaces.errors import UserError
from tests.deploy.phone_device.device import PhoneDevice

A, B = ListedPhone("A1", "device"), ListedPhone("B2", "device")


def test_the_list_is_read() -> None:
    text = "List of devices attached\nA1\tdevice\nB2\tno permissions (user); see [http]\n\n"
    assert parse_devices(text) == [A, ListedPhone("B2", "no permissions (user); see [http]")]
    assert parse_devices("* daemon started successfully\nList of devices attached\n") == []


def test_the_only_phone_the_named_one_or_all() -> None:
    assert choose_phones([A], None, every=False) == [A]
    assert choose_phones([A, B], "B2", every=False) == [B]
    assert choose_phones([A, B], None, every=True) == [A, B]


@pytest.mark.parametrize(
    ("listed", "serial", "message"),
    [
        ([], None, "no phone: adb sees none; connect one by cable with USB debugging on"),
        ([A, B], None, r"2 phones \(A1, B2\): choose one with --serial, or --all"),
        ([A, B], "C3", "--serial: got 'C3', adb sees A1, B2"),
    ],
)
def test_no_phone_or_no_choice(listed: list[ListedPhone], serial: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose_phones(listed, serial, every=False)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("unauthorized", "phone A1: not authorised; unlock it and allow USB debugging"),
        ("authorizing", "phone A1: not authorised yet; unlock it"),
        ("offline", "phone A1: offline; pull the cable out and in again"),
        ("no permissions (missing udev rules?)", "phone A1: this computer may not open it; see"),
        ("recovery", "phone A1: is in state 'recovery', expected 'device'; start Android"),
    ],
)
def test_a_phone_that_is_not_ready(state: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        connect(ListedPhone("A1", state))


def test_a_real_server_lists_the_phone(phone: PhoneDevice) -> None:
    assert ListedPhone(phone.serial, "device") in list_phones()


def test_a_server_that_refuses_or_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client = tmp_path / "adb"
    client.write_text("#!/bin/sh\necho 'cannot bind' >&2\nexit 1\n")
    client.chmod(0o755)
    monkeypatch.setattr(adb_phones, "find_adb", lambda: client)
    with pytest.raises(UserError, match=r"^adb: cannot bind$"):
        list_phones()
    client.write_text("#!/bin/sh\nexec sleep 5\n")
    monkeypatch.setattr(adb_phones, "LIST_TIMEOUT_S", 0.1)
    with pytest.raises(UserError, match="adb: its server did not answer within 0 s"):
        list_phones()


def test_a_phone_that_garbles_its_name_is_still_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "adb"
    program.write_text("#!/bin/sh\nprintf 'List of devices attached\\n\\377\\tdevice\\n'\n")
    program.chmod(0o755)
    monkeypatch.setattr(adb_phones, "find_adb", lambda: program)
    assert list_phones() == [ListedPhone("\ufffd", "device")]
