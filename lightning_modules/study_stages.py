"""One public command after the other, each as a process, with what it took written down."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search_spaces.errors import UserError, full_disk_named
from search_spaces.processes import describe_exit, run_python

STAGES = "stages.jsonl"
OUTPUT = "output.txt"


class StageFailedError(UserError):
    """A command ended with another exit code than 0; its own words are on stderr.

    Attributes:
        exit_code: of the command, negative for a signal.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def run_stage(folder: Path, stage: str, arguments: Sequence[str]) -> None:
    """Run ``python -m *arguments`` and write what it took to ``stages.jsonl`` in ``folder``.

    What it prints goes to ``output.txt`` there, its progress and errors to our stderr.

    Raises:
        StageFailedError: it failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _settle(folder)
    began, clock = time.time(), time.monotonic()
    _append(folder, {"stage": stage, "argv": list(arguments), "began": began})
    with (folder / OUTPUT).open("a", encoding="utf-8") as output:
        exit_code = run_python(["-m", *arguments], stdout=output)
    seconds = round(time.monotonic() - clock, 2)
    _append(folder, {"stage": stage, "began": began, "seconds": seconds, "exit_code": exit_code})
    if exit_code != 0:
        raise StageFailedError(f"{folder.name}: {stage} {describe_exit(exit_code)}", exit_code)


def seconds_of(folder: Path) -> dict[str, float]:
    """Wall time of each stage, all attempts together; of a killed one up to its last file."""
    seconds: dict[str, float] = {}
    for line in _lines(folder):
        if "seconds" in line:
            seconds[line["stage"]] = seconds.get(line["stage"], 0.0) + line["seconds"]
    return seconds


def say(text: str) -> None:
    """One line on stderr."""
    print(text, file=sys.stderr, flush=True)


def _settle(folder: Path) -> None:
    """End in writing an attempt that was killed: it lasted until the last file that it wrote."""
    lines = _lines(folder)
    if not lines or "seconds" in lines[-1]:
        return
    stage, began = lines[-1]["stage"], lines[-1]["began"]
    times = [path.stat().st_mtime for path in folder.rglob("*") if path.is_file()]
    seconds = round(max(0.0, max(times, default=began) - began), 2)
    _append(folder, {"stage": stage, "began": began, "seconds": seconds, "exit_code": None})


def _append(folder: Path, line: dict[str, Any]) -> None:
    path = folder / STAGES
    with full_disk_named(path), path.open("a", encoding="utf-8") as stream:
        # A line that a kill has cut off has no end, and must not take this one with it.
        stream.write("\n" + json.dumps(line) + "\n")


def _lines(folder: Path) -> list[dict[str, Any]]:
    path = folder / STAGES
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:  # the write of this line was cut off by a kill
            continue
    return found
