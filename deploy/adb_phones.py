"""Which phones `adb` sees, and which of them a command means."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.adb import Adb, find_adb
from search_spaces.errors import UserError, one_line

LIST_TIMEOUT_S = 20.0
READY = "device"
_MENDS = {
    "unauthorized": "not authorised; unlock it and allow USB debugging for this computer",
    "authorizing": "not authorised yet; unlock it and allow USB debugging for this computer",
    "offline": "offline; pull the cable out and in again, or for Wi-Fi `adb connect` it again",
    "no permissions": "this computer may not open it; see udev rules (Debian: apt install"
    " android-sdk-platform-tools-common)",
}


@dataclass(frozen=True)
class ListedPhone:
    """A line of `adb devices`."""

    serial: str
    state: str


def list_phones() -> list[ListedPhone]:
    """Every phone that adb sees, ready or not.

    Raises:
        UserError: the client or its server does not answer.
    """
    command = [str(find_adb()), "devices"]
    try:
        said = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIST_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"adb: its server did not answer within {LIST_TIMEOUT_S:.0f} s; `adb kill-server`"
            " ends it, the next command starts it anew"
        ) from None
    if said.returncode != 0:
        raise UserError(f"adb: {one_line(said.stderr or said.stdout)}")
    return parse_devices(said.stdout)


def parse_devices(text: str) -> list[ListedPhone]:
    """Phones in what `adb devices` printed."""
    rows = (line.partition("\t") for line in text.splitlines())
    return [ListedPhone(serial, state.strip()) for serial, tab, state in rows if tab]


def choose_phones(
    listed: Sequence[ListedPhone], serial: str | None, every: bool
) -> list[ListedPhone]:
    """The phones that are meant: the one named, all, or the only one.

    Raises:
        UserError: none, another name than any has, or several without a choice.
    """
    if not listed:
        raise UserError(
            "no phone: adb sees none; connect one by cable with USB debugging on (Settings,"
            " Developer options), or by Wi-Fi with `adb connect ADDRESS:5555`"
        )
    names = ", ".join(phone.serial for phone in listed)
    if serial is not None:
        chosen = [phone for phone in listed if phone.serial == serial]
        if not chosen:
            raise UserError(f"--serial: got {serial!r}, adb sees {names}")
        return chosen
    if len(listed) > 1 and not every:
        raise UserError(f"{len(listed)} phones ({names}): choose one with --serial, or --all")
    return list(listed)


def connect(phone: ListedPhone) -> Adb:
    """The client for a phone that is ready.

    Raises:
        UserError: unauthorised, offline or in another state that is not ready.
    """
    if phone.state != READY:
        mend = next(
            (mend for state, mend in _MENDS.items() if phone.state.startswith(state)),
            f"is in state {phone.state!r}, expected {READY!r}; start Android on it",
        )
        raise UserError(f"phone {phone.serial}: {mend}")
    return Adb(phone.serial)
