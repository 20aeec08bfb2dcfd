"""A loopback phone with an adb server of its own, and a runner's package to install."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.adb import find_adb
from search_spaces.errors import UserError
from tests.deploy.phone_device.device import PhoneDevice
from tests.deploy.phone_device.server import own_adb_server

RUNNER: dict[str, Any] = {
    "schema_version": 1,
    "package": "org.ersam.runner",
    "instrumentation": "org.ersam.runner/.JobInstrumentation",
    "version_name": "0.1.0",
    "version_code": 1,
    "min_sdk": 26,
    "abis": ["arm64-v8a", "x86_64"],
    "engine": True,
    "runtime_version": "1.4.1",
    "reason": None,
}


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    try:
        find_adb()
    except UserError as error:
        pytest.skip(str(error))
    with own_adb_server(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture
def make_phone(adb_server: None, tmp_path: Path) -> Iterator[Callable[[], PhoneDevice]]:
    """Makes phones that are plugged in; they are removed after the test."""
    made: list[PhoneDevice] = []

    def make() -> PhoneDevice:
        made.append(PhoneDevice(tmp_path / f"phone-{len(made)}"))
        made[-1].plug()
        return made[-1]

    yield make
    for phone in made:
        phone.remove()


@pytest.fixture
def phone(make_phone: Callable[[], PhoneDevice]) -> PhoneDevice:
    return make_phone()


@pytest.fixture
def runner_folder(tmp_path: Path) -> Path:
    """What `make runner` would leave."""
    return write_runner(tmp_path / "runner")


def write_runner(folder: Path, apk: bytes = b"a package" * 1000, **changed: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "runner.apk").write_bytes(apk)
    (folder / "runner.json").write_text(json.dumps({**RUNNER, **changed}))
    return folder
