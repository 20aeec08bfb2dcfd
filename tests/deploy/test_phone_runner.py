"""The runner's package: built or not, with an engine or not, absent, old or later on the phone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.adb import Adb
from deploy.phone_runner import install_runner, read_runner
from search_spaces.errors import UserError
from tests.deploy.phone_device.device import PhoneDevice
from tests.deploy.phone_device.fixtures import write_runner


def test_nothing_built_is_one_line(tmp_path: Path) -> None:
    expected = f"{tmp_path}: holds no runner.apk with its runner.json; build the runner with `make"
    with pytest.raises(UserError, match=re.escape(expected)):
        read_runner(tmp_path)


def test_a_package_without_an_engine_is_refused(tmp_path: Path) -> None:
    folder = write_runner(tmp_path, engine=False, runtime_version=None, reason="no such AAR")
    with pytest.raises(UserError, match=r"was built without ExecuTorch \(no such AAR\)"):
        read_runner(folder)


def test_a_description_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"runner\.json: field \$\.version_code: 'one' is not"):
        read_runner(write_runner(tmp_path, version_code="one"))


def test_installed_where_absent_or_another_build_and_left_alone_after(
    phone: PhoneDevice, tmp_path: Path
) -> None:
    adb, runner = Adb(phone.serial), read_runner(write_runner(tmp_path))
    assert install_runner(adb, runner)
    assert phone.phone.apk(runner.name).read_bytes() == runner.apk.read_bytes()
    assert not install_runner(adb, runner)
    rebuilt = read_runner(write_runner(tmp_path, apk=b"rebuilt"))
    assert install_runner(adb, rebuilt)
    assert phone.phone.apk(runner.name).read_bytes() == b"rebuilt"


def test_a_later_one_is_not_replaced(phone: PhoneDevice, tmp_path: Path) -> None:
    adb, runner = Adb(phone.serial), read_runner(write_runner(tmp_path))
    phone.phone.next_version_code = 7
    install_runner(adb, runner)
    older = read_runner(write_runner(tmp_path, apk=b"older"))
    with pytest.raises(UserError, match="has runner version 7, this kit's is the older 1; use"):
        install_runner(adb, older)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ("INSTALL_FAILED_UPDATE_INCOMPATIBLE", "remove it with `adb uninstall org.ersam.runner`"),
        ("INSTALL_FAILED_INSUFFICIENT_STORAGE", "no space left: free some"),
        ("INSTALL_FAILED_USER_RESTRICTED", "allow `Install via USB`"),
        ("INSTALL_PARSE_FAILED_NO_CERTIFICATES", "see `adb logcat`"),
    ],
)
def test_a_refusal_names_its_mend(
    phone: PhoneDevice, tmp_path: Path, failure: str, message: str
) -> None:
    phone.phone.install_failure = f"{failure}: details"
    with pytest.raises(UserError, match=rf"refused the runner \({failure}\); .*{message}"):
        install_runner(Adb(phone.serial), read_runner(write_runner(tmp_path)))
    assert not phone.phone.installed
