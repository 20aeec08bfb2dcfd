"""How a job ended on the phone, in one line: done, refused, crashed or killed."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.adb import Adb, file_name
from deploy.phone_progress import InstrumentOutput
from search_spaces.errors import UserError, one_line
from search_spaces.files import atomic_path

ALL_DONE, SOME_FAILED = -1, 1
_LOG_LINES = "1000"
# ApplicationExitInfo.REASON_*: CRASH and CRASH_NATIVE; the others are somebody else's doing.
_OWN_FAULTS = {"1", "4", "5", "7"}


def check_end(
    adb: Adb, package: str, output: InstrumentOutput, pid: str | None, logs: Path
) -> None:
    """Return if the job was worked through.

    Args:
        adb: the phone.
        package: of the runner.
        output: all that was printed.
        pid: of the runner's process, None if it never said anything.
        logs: folder for the phone's log.

    Raises:
        UserError: in one line what happened instead.
    """
    if output.code in (ALL_DONE, SOME_FAILED):
        return
    refused = output.result.get("ersam.error")
    if refused is not None:
        raise UserError(f"phone {adb.serial}: {one_line(refused)}")
    phone = f"phone {adb.serial}"
    if pid is None and "shortMsg" not in output.result:
        said = one_line(" ".join(output.other)) or "it said nothing"
        raise UserError(f"{phone}: the runner did not start ({said})")
    log = save_log(adb, logs)
    again = f"the phone's log is in {log}; the same command goes on with what is left"
    killed = _killed_by(adb, package, pid)
    if killed is not None:
        raise UserError(f"{phone}: the runner was killed by the system ({killed}); {again}")
    said = one_line(
        output.result.get("longMsg") or output.result.get("shortMsg") or "no reason given"
    )
    raise UserError(f"{phone}: the runner crashed ({said}); {again}")


def save_log(adb: Adb, folder: Path) -> Path:
    """Write the end of the phone's log to a file of the host and return its path."""
    log = adb.shell(["logcat", "-d", "-t", _LOG_LINES]).out
    path = folder / f"{file_name(adb.serial)}-logcat.txt"
    with atomic_path(path) as temporary:
        temporary.write_text(log, encoding="utf-8")
    return path


def _killed_by(adb: Adb, package: str, pid: str | None) -> str | None:
    """Why Android ended the process, if it did and tells (API 30 and later)."""
    told = adb.shell(["dumpsys", "activity", "exit-info", package]).out
    found = re.search(rf"\bpid={pid}\b.*?\breason=(\d+) \((.*?)\) (?:sub|status)", told, re.DOTALL)
    if found is None or found[1] in _OWN_FAULTS:
        return None
    return found[2]
