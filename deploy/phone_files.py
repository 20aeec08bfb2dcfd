"""Files on the phone: pushed by content, so that a changed one travels and a half one never counts.

A file lies under its SHA-256. It is pushed as `<sha256>.part`, its sum is taken on the phone, and
only then is it renamed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.adb import Adb
from search_spaces.errors import UserError

ROOT = "/data/local/tmp/ersam"  # the shell may write here, and an app may read
FILES = f"{ROOT}/files"
_PUSH_S, _BYTES_PER_S = 60.0, 200_000
_AT_ONCE = 100  # names in one command line


def push_missing(adb: Adb, files: Mapping[str, Path]) -> int:
    """Bring files to the phone, each under its SHA-256 (the key); returns the bytes that travelled.

    Raises:
        PhoneLostError: the phone went away; what is there already stays and is not sent again.
        UserError: no space, or a file arrived changed.
    """
    adb.shell(["mkdir", "-p", FILES], ["chmod", "755", ROOT, FILES])
    there = _sums(adb, [f"{FILES}/{sha256}" for sha256 in files])
    missing = {
        sha256: path for sha256, path in files.items() if there.get(f"{FILES}/{sha256}") != sha256
    }
    for group in _groups(list(missing)):
        _push(adb, {sha256: missing[sha256] for sha256 in group})
    return sum(path.stat().st_size for path in missing.values())


def push_text(adb: Adb, text: str, target: str) -> None:
    """Write a small file whole or not at all; ``target`` is its full name on the phone.

    Raises:
        PhoneLostError: the phone went away.
        UserError: no space.
    """
    folder, _, name = target.rpartition("/")
    adb.shell(["mkdir", "-p", folder], ["chmod", "755", folder])
    with tempfile.TemporaryDirectory() as local:
        part = Path(local) / f"{name}.part"
        part.write_text(text, encoding="utf-8")
        adb.push([part], folder, _PUSH_S)
    _run(adb, ["chmod", "644", f"{target}.part"], ["mv", f"{target}.part", target])


def _push(adb: Adb, files: Mapping[str, Path]) -> None:
    size = sum(path.stat().st_size for path in files.values())
    parts = [f"{FILES}/{sha256}.part" for sha256 in files]
    with tempfile.TemporaryDirectory() as local:
        links = []
        for sha256, path in files.items():
            links.append(Path(local) / f"{sha256}.part")
            links[-1].symlink_to(path.resolve())
        adb.push(links, FILES, _PUSH_S + size / _BYTES_PER_S)
    arrived = _sums(adb, parts)
    for sha256, part in zip(files, parts, strict=True):
        if arrived.get(part) != sha256:
            raise UserError(
                f"phone {adb.serial}: {files[sha256]} arrived changed (sha256"
                f" {arrived.get(part, 'of no file')}); give the same command again, with another"
                " cable if it stays so"
            )
    moves = [["mv", part, part.removesuffix(".part")] for part in parts]
    _run(adb, ["chmod", "644", *parts], *moves)


def _sums(adb: Adb, names: Sequence[str]) -> dict[str, str]:
    """SHA-256 of those files that are there."""
    sums = {}
    for group in _groups(names):
        # Exits with 1 where one is missing, which is no error here.
        for line in adb.shell(["sha256sum", *group], timeout_s=_PUSH_S).out.splitlines():
            sha256, _, name = line.partition("  ")
            sums[name.strip()] = sha256
    return sums


def _run(adb: Adb, *commands: Sequence[str]) -> None:
    answer = adb.shell(*commands)
    if answer.code != 0:
        raise UserError(f"phone {adb.serial}: `{commands[-1][0]}` failed: {answer.err}")


def _groups(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
