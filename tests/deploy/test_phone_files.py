"""Pushing: only what changed, and nothing half."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from deploy.adb import Adb, PhoneLostError
from deploy.phone_files import FILES, push_missing, push_text
from search_spaces.errors import UserError
from tests.deploy.phone_device.device import PhoneDevice


def files(folder: Path, *contents: bytes) -> dict[str, Path]:
    made = {}
    for number, content in enumerate(contents):
        path = folder / f"file-{number}"
        path.write_bytes(content)
        made[hashlib.sha256(content).hexdigest()] = path
    return made


def test_only_what_the_phone_lacks_travels(phone: PhoneDevice, tmp_path: Path) -> None:
    adb = Adb(phone.serial)
    first = files(tmp_path, b"a" * 5000, b"b" * 300)
    assert push_missing(adb, first) == 5300
    assert push_missing(adb, first) == 0
    changed = files(tmp_path, b"a" * 5000, b"c" * 400)
    assert push_missing(adb, changed) == 400
    assert phone.files(FILES) == sorted({*first, *changed})
    for sha256, path in changed.items():
        assert phone.disk.path(f"{FILES}/{sha256}").read_bytes() == path.read_bytes()
        assert phone.disk.path(f"{FILES}/{sha256}").stat().st_mode & 0o777 == 0o644


def test_a_file_spoilt_on_the_phone_is_sent_again(phone: PhoneDevice, tmp_path: Path) -> None:
    adb = Adb(phone.serial)
    wanted = files(tmp_path, b"weights")
    push_missing(adb, wanted)
    (sha256,) = wanted
    phone.disk.path(f"{FILES}/{sha256}").write_bytes(b"weightz")
    assert push_missing(adb, wanted) == 7
    assert phone.disk.path(f"{FILES}/{sha256}").read_bytes() == b"weights"


def test_a_half_pushed_file_has_no_name_that_counts(phone: PhoneDevice, tmp_path: Path) -> None:
    adb = Adb(phone.serial)
    wanted = files(tmp_path, bytes(2_000_000))
    push_missing(adb, {})
    phone.disk.on_write = lambda length: phone.unplug() if length > 1_000_000 else None
    with pytest.raises(PhoneLostError, match="connection lost, could not copy files"):
        push_missing(adb, wanted)
    (left,) = phone.files(FILES)
    assert left.endswith(".part")
    assert phone.disk.path(f"{FILES}/{left}").stat().st_size > 1_000_000  # what was under way too
    phone.disk.on_write = lambda length: None
    phone.plug()
    assert push_missing(adb, wanted) == 2_000_000
    assert phone.files(FILES) == list(wanted)


def test_a_full_disk_leaves_nothing_that_counts(phone: PhoneDevice, tmp_path: Path) -> None:
    phone.disk.free_bytes = 100_000
    wanted = files(tmp_path, bytes(500_000))
    with pytest.raises(UserError, match="no space left to copy files"):
        push_missing(Adb(phone.serial), wanted)
    assert not {*wanted} & {*phone.files(FILES)}


def test_a_file_that_arrives_changed_is_refused(phone: PhoneDevice, tmp_path: Path) -> None:
    phone.disk.flips_bits = True
    wanted = files(tmp_path, b"weights")
    with pytest.raises(UserError, match=r"file-0 arrived changed \(sha256 [0-9a-f]{64}\); give"):
        push_missing(Adb(phone.serial), wanted)
    assert not {*wanted} & {*phone.files(FILES)}


def test_a_command_that_fails_is_named(phone: PhoneDevice, tmp_path: Path) -> None:
    phone.phone.broken = {"mv"}
    with pytest.raises(UserError, match="`mv` failed: mv: Read-only file system"):
        push_missing(Adb(phone.serial), files(tmp_path, b"weights"))


def test_a_text_is_there_whole(phone: PhoneDevice) -> None:
    push_text(Adb(phone.serial), "job\n", "/data/local/tmp/ersam/jobs/x/job.json")
    assert phone.files("/data/local/tmp/ersam/jobs/x") == ["job.json"]
    assert phone.disk.path("/data/local/tmp/ersam/jobs/x/job.json").read_text() == "job\n"
