"""How long one search of a frontier takes, as its user waits for it: `python -m benchmarks.search`.

Without --checkpoint it searches a supernet of --space with fresh weights on clips of noise, which
takes as long as a trained one on clips of speech.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_machine, figure, write_result
from search_spaces.clip import CLIP_SAMPLES, NUM_COUNTS
from search_spaces.clips_file import Clips, to_int16, write_clips
from search_spaces.command_line import CommandParser
from search_spaces.errors import UserError, run_command
from search_spaces.files import read_json

VALIDATION_CLIPS = 256  # what a search looks at by default
CALIBRATION_CLIPS = 256
TARGET_SECONDS = 60


def main() -> int:
    """Time one search in a process of its own and write the result."""
    parser = CommandParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument(
        "--checkpoint", type=Path, help="a trained supernet.pt, clips.npz beside it"
    )
    parser.add_argument("--cost-table", type=Path)
    parser.add_argument("--space", default="sam-lite", help="of fresh weights")
    parser.add_argument("--out", type=Path, help="result file, default docs/results/search.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = arguments.checkpoint or _fresh_inputs(Path(folder), arguments.space)
        seconds, frontier = _time_search(checkpoint, arguments.cost_table, Path(folder) / "search")
    path = write_result(
        "search",
        _command(arguments),
        [
            figure("search of one frontier", round(seconds, 1), "s", f"< {TARGET_SECONDS} s"),
            figure(
                "subnets judged in it", float(frontier["search"]["evaluations"]), "", target=None
            ),
        ],
        details={
            "space": frontier["space"],
            "weights": "trained" if arguments.checkpoint else "fresh",
            "search": frontier["search"],
        },
        out=arguments.out,
    )
    machine = describe_machine()
    print(
        f"{seconds:.1f} s for {frontier['search']['evaluations']} subnets of"
        f" {frontier['space']['name']} on {machine['cores']} cores of {machine['cpu']},"
        f" {machine['date']} (target: below {TARGET_SECONDS} s on 2 cores)"
    )
    print(path)
    return 0


def _time_search(checkpoint: Path, table: Path | None, out: Path) -> tuple[float, dict]:
    command = [sys.executable, "-m", "search_spaces", "search"]
    command += ["--checkpoint", str(checkpoint), "--out", str(out)]
    command += ["--cost-table", str(table)] if table else []
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise UserError(f"the search ended with exit code {done.returncode}, see its message above")
    return seconds, read_json(out / "frontier.json", {})


def _fresh_inputs(folder: Path, space: str) -> Path:
    from search_spaces.spaces import get_space
    from search_spaces.supernet import build_supernet
    from search_spaces.supernet_file import write_supernet

    spec = get_space(space)
    rng = np.random.default_rng(0)
    noise = 0.05 * rng.standard_normal(
        (VALIDATION_CLIPS + CALIBRATION_CLIPS, CLIP_SAMPLES), dtype=np.float32
    )
    waveform = to_int16(noise)
    counts = rng.integers(0, NUM_COUNTS, VALIDATION_CLIPS)
    clips = Clips(
        validation_waveform=waveform[:VALIDATION_CLIPS],
        validation_lo=counts,
        validation_hi=counts,
        validation_original=np.arange(VALIDATION_CLIPS) < 100,
        calibration_waveform=waveform[VALIDATION_CLIPS:],
    )
    write_clips(folder / "clips.npz", clips)
    write_supernet(folder / "supernet.pt", build_supernet(spec), {"weights": "fresh"})
    return folder / "supernet.pt"


def _command(arguments: argparse.Namespace) -> str:
    flags = {
        "--checkpoint": arguments.checkpoint,
        "--cost-table": arguments.cost_table,
        "--space": None if arguments.checkpoint else arguments.space,
    }
    given = [f"{name} {value}" for name, value in flags.items() if value]
    return " ".join(["python -m benchmarks.search", *given])


if __name__ == "__main__":
    sys.exit(run_command(main))
