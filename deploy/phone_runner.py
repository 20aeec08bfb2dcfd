"""The runner's package: which one this kit has, which one the phone has, and installing it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from deploy.adb import Adb
from search_spaces.errors import UserError
from search_spaces.files import load_schema, read_json, sha256_file

FOLDER = Path(__file__).resolve().parent.parent / "android_runner" / "target"
APK = "runner.apk"
DESCRIPTION = "runner.json"
SCHEMA = load_schema(Path(__file__).parent / "schemas", "runner")
_INSTALL_S, _BYTES_PER_S = 120.0, 200_000
_MENDS = {
    "INSTALL_FAILED_UPDATE_INCOMPATIBLE": "one signed with another key is there: remove it with"
    " `adb uninstall {package}`",
    "INSTALL_FAILED_VERSION_DOWNGRADE": "a later one is there: remove it with"
    " `adb uninstall {package}`",
    "INSTALL_FAILED_INSUFFICIENT_STORAGE": "no space left: free some",
    "INSTALL_FAILED_USER_RESTRICTED": "allow `Install via USB` in the developer options",
    "INSTALL_FAILED_NO_MATCHING_ABIS": "its processor is none that the runner was built for",
}


@dataclass(frozen=True)
class RunnerPackage:
    """What `make runner` built.

    Attributes:
        apk: the package.
        name: its application id.
        instrumentation: component that runs a job.
        version_code: rises with each release.
        min_sdk: lowest API level of Android.
        abis: whose native libraries it holds.
        runtime_version: of ExecuTorch in it.
    """

    apk: Path
    name: str
    instrumentation: str
    version_code: int
    min_sdk: int
    abis: tuple[str, ...]
    runtime_version: str


def read_runner(folder: Path) -> RunnerPackage:
    """Read what the build left.

    Raises:
        UserError: nothing was built, or a package without an engine.
    """
    if not (folder / APK).is_file() or not (folder / DESCRIPTION).is_file():
        raise UserError(
            f"{folder}: holds no {APK} with its {DESCRIPTION}; build the runner with `make runner`"
        )
    said = read_json(folder / DESCRIPTION, SCHEMA)
    if not said["engine"]:
        raise UserError(
            f"{folder / APK}: was built without ExecuTorch ({said['reason']}), so that it can run"
            " no model; build it with `make runner` where Maven Central can be reached"
        )
    return RunnerPackage(
        apk=folder / APK,
        name=said["package"],
        instrumentation=said["instrumentation"],
        version_code=said["version_code"],
        min_sdk=said["min_sdk"],
        abis=tuple(said["abis"]),
        runtime_version=said["runtime_version"],
    )


def install_runner(adb: Adb, runner: RunnerPackage) -> bool:
    """Install the runner where it is absent, old or another build; whether that was needed.

    Raises:
        UserError: a later one is there, or the phone refuses it.
    """
    if _installed_sha256(adb, runner.name) == sha256_file(runner.apk):
        return False
    version_code = _installed_version(adb, runner.name)
    if version_code is not None and version_code > runner.version_code:
        raise UserError(
            f"phone {adb.serial}: has runner version {version_code}, this kit's is the older"
            f" {runner.version_code}; use the later kit, or `adb uninstall {runner.name}`"
        )
    timeout_s = _INSTALL_S + runner.apk.stat().st_size / _BYTES_PER_S
    said = adb.install(runner.apk, timeout_s)
    if "Success" not in said:
        found = re.search(r"INSTALL_\w+", said)
        code = found[0] if found else said
        mend = _MENDS.get(code, "see `adb logcat`").format(package=runner.name)
        raise UserError(f"phone {adb.serial}: refused the runner ({code}); {mend}")
    return True


def _installed_sha256(adb: Adb, package: str) -> str | None:
    """Of the installed package's file; None where there is none."""
    paths = re.findall(r"^package:(\S+)", adb.shell(["pm", "path", package]).out, re.MULTILINE)
    if len(paths) != 1:
        return None
    return adb.shell(["sha256sum", paths[0]]).out.partition(" ")[0].strip()


def _installed_version(adb: Adb, package: str) -> int | None:
    found = re.search(r"versionCode=(\d+)", adb.shell(["dumpsys", "package", package]).out)
    return int(found[1]) if found else None
