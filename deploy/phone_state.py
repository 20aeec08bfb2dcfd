"""The phone before a job: what it is, and whether it is fit to be measured."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy.adb import Adb
from deploy.phone_runner import RunnerPackage
from search_spaces.errors import UserError

SPARE_BYTES = 50_000_000
_PROPERTY = re.compile(r"^\[(.+?)\]: \[(.*?)\]\r?$", re.MULTILINE)


@dataclass(frozen=True)
class PhoneState:
    """What the phone's shell tells.

    Attributes:
        name: manufacturer and model.
        serial: of the phone itself, the same by cable and by network; None where it does not tell.
        fingerprint: build of the system.
        sdk: API level of Android.
        abis: kinds of native code that it runs, best first.
        free_bytes: where files are pushed to.
        battery_percent: None where there is no battery.
        locked: whether the lock screen is on; False where the phone does not tell.
    """

    name: str
    serial: str | None
    fingerprint: str
    sdk: int
    abis: tuple[str, ...]
    free_bytes: int
    battery_percent: int | None
    locked: bool


def read_state(adb: Adb, folder: str) -> PhoneState:
    """Ask the phone; ``folder`` is where files will be pushed to.

    Raises:
        UserError: it answers something that is not understood.
    """
    properties = dict(_PROPERTY.findall(adb.shell(["getprop"]).out))
    free = adb.shell(["df", "-k", folder]).out
    battery = adb.shell(["dumpsys", "battery"]).out
    trust = adb.shell(["dumpsys", "trust"]).out
    level = re.search(r"^\s*level: (\d+)", battery, re.MULTILINE)
    try:
        return PhoneState(
            name=f"{properties['ro.product.manufacturer']} {properties['ro.product.model']}",
            serial=properties.get("ro.serialno"),
            fingerprint=properties["ro.build.fingerprint"],
            sdk=int(properties["ro.build.version.sdk"]),
            abis=tuple(properties["ro.product.cpu.abilist"].split(",")),
            free_bytes=1024 * int(free.strip().splitlines()[-1].split()[3]),
            battery_percent=int(level[1]) if level else None,
            locked=re.search(r"\(current\).*deviceLocked=1", trust) is not None,
        )
    except (KeyError, ValueError, IndexError) as error:
        raise UserError(
            f"phone {adb.serial}: answers `getprop` or `df` in a way that is not understood"
            f" ({error!r}); is it an Android phone?"
        ) from None


def check_fit(
    serial: str,
    state: PhoneState,
    runner: RunnerPackage,
    needed_bytes: int,
    min_battery_percent: int,
) -> None:
    """Refuse a phone that could not finish the job or would be measured in a wrong state.

    Raises:
        UserError: too old an Android, another processor, no space, locked, battery too low.
    """
    if state.sdk < runner.min_sdk:
        raise UserError(
            f"phone {serial}: has Android API {state.sdk}, the runner needs {runner.min_sdk} or"
            " later"
        )
    if not {*state.abis} & {*runner.abis}:
        raise UserError(
            f"phone {serial}: runs {', '.join(state.abis)}, the runner was built for"
            f" {', '.join(runner.abis)}"
        )
    if state.free_bytes < needed_bytes + SPARE_BYTES:
        raise UserError(
            f"phone {serial}: has {state.free_bytes / 1e6:.0f} MB free, needed are"
            f" {(needed_bytes + SPARE_BYTES) / 1e6:.0f} MB; free some"
        )
    if state.locked:
        raise UserError(f"phone {serial}: is locked; unlock it and give the same command again")
    if state.battery_percent is not None and state.battery_percent < min_battery_percent:
        raise UserError(
            f"phone {serial}: battery at {state.battery_percent} %, needed are"
            f" {min_battery_percent} %; charge it (to measure energy, unplug it afterwards)"
        )
