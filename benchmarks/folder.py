"""`python -m benchmarks.folder`: minutes from a folder of labelled recordings to measured bundles.

`deploy run --scale folder` does the work. Its `commands.jsonl` says how long each command took, so
a run that was killed and went on, or one that is finished already, is timed as well.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import figure, write_result
from deploy.__main__ import main as deploy
from deploy.pipeline_state import COMMANDS_FILE
from deploy.report_lists import read_commands
from lightning_modules.recordings import read_recordings
from search_spaces.command_line import CommandParser
from search_spaces.errors import run_command

TARGET = "<= 30 min"
SCALES = ("folder", "folder-1s")


def stage_seconds(commands: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds of each stage, those of commands that were killed and called again included."""
    seconds: dict[str, float] = {}
    for command in commands:
        seconds[command["stage"]] = seconds.get(command["stage"], 0.0) + command["seconds"]
    return seconds


def _command(root: Path, scale: str) -> str:
    """What to repeat, without the folders of whoever measured."""
    near = root.resolve()
    shown = near.relative_to(Path.cwd()) if near.is_relative_to(Path.cwd()) else Path(root.name)
    words = ["python", "-m", "benchmarks.folder", "--root", str(shown)]
    return shlex.join([*words, *(["--scale", scale] if scale != SCALES[0] else [])])


def main(argv: Sequence[str]) -> int:
    """Run, or go on; then print, and write the result file."""
    parser = CommandParser(prog="python -m benchmarks.folder", description=__doc__)
    add = parser.add_argument
    add("--root", type=Path, required=True, help="recordings, as for `deploy run --root`")
    add("--scale", choices=SCALES, default="folder", help="default: %(default)s")
    add("--run", type=Path, help="folder of the run (runs/<scale>-minutes)")
    add("--out", type=Path, help="result file (docs/results/<scale>.json)")
    options = parser.parse_args(argv)
    recordings = len(read_recordings(options.root))
    run = options.run or Path("runs", f"{options.scale}-minutes")
    arguments = ["run", "--scale", options.scale, "--root", str(options.root), "--out", str(run)]
    if failed := deploy(arguments):
        return failed
    seconds = stage_seconds(read_commands(run / COMMANDS_FILE))
    title = f"{recordings} recordings, scale {options.scale}"
    minutes = sum(seconds.values()) / 60
    figures = [
        figure(f"{title}: from folder to measured bundles and report", minutes, "min", TARGET),
        *(figure(f"of which {stage}", spent / 60, "min") for stage, spent in seconds.items()),
    ]
    for row in figures:
        print(f"{row['name']}: {row['value']:.3g} {row['unit']}")
    command = _command(options.root, options.scale)
    print(write_result(options.scale, command, figures, out=options.out))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
