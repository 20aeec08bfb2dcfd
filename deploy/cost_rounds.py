"""Time many programs in rounds and keep every figure in a JSON-lines file.

A shared host is slowed in bursts, never sped up. So each round times every program once, in an
order of its own, and a program's figure is the smallest of its medians over the rounds.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from deploy.cost_programs import Program
from deploy.engine import Engine
from deploy.timing import time_runs
from search_spaces.errors import UserError, full_disk_named
from search_spaces.json_values import Validator, parse_json

if TYPE_CHECKING:
    from torch import Tensor

ROUNDS = 25
WARM_UP_RUNS = 2
RUNS_PER_ROUND = 9  # short, so that some round falls whole into a quiet moment
_MEND = "remove it or choose another --out"
_MEDIAN = Validator(
    {
        "type": "object",
        "required": ["key", "round", "median_ms"],
        "properties": {
            "key": {"type": "string"},
            "round": {"type": "integer", "minimum": 0},
            "median_ms": {"type": "number", "exclusiveMinimum": 0},
        },
    }
)


def method_of(rounds: int, runs: int, warm_up_runs: int) -> str:
    """How rounds of so many runs each are timed, in words."""
    return (
        f"smallest of {rounds} medians; each median is of {runs} runs after {warm_up_runs}"
        " that were thrown away; every round times all nets once in a random order; batch 1"
    )


METHOD = method_of(ROUNDS, RUNS_PER_ROUND, WARM_UP_RUNS)


class RawMeasurements:
    """The file of medians: a header line that says of what machine, then one line per median.

    Args:
        path: of the file; lines already there are kept, those that are no median left aside.
        header: device, runtime, threads.

    Raises:
        UserError: the file is of another machine, runtime or number of threads, or of none.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        self._medians_ms: dict[str, dict[int, float]] = defaultdict(dict)
        # a byte that is no UTF-8 spoils its line alone, as a cut does
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        lines = text.splitlines()
        records = [record for record in map(_parse, lines) if record is not None]
        if not records:
            path.parent.mkdir(parents=True, exist_ok=True)
            with full_disk_named(path):
                path.write_text(json.dumps(header) + "\n", encoding="utf-8")
        elif records[0] != header:
            raise UserError(f"{path}: {_difference(records[0], header)}; {_MEND}")
        for record in filter(_MEDIAN.is_valid, records[1:]):
            self._medians_ms[record["key"]][record["round"]] = record["median_ms"]

    def has(self, key: str, round_number: int) -> bool:
        """Whether a program was timed in a round."""
        return round_number in self._medians_ms[key]

    def complete(self, key: str) -> bool:
        """Whether a program was timed in every round."""
        return len(self._medians_ms[key]) >= ROUNDS

    def add(self, key: str, round_number: int, median_ms: float) -> None:
        """Keep a median, also on disk.

        Raises:
            OSError: it cannot be written; of a full disk it names the file.
        """
        record = {"key": key, "round": round_number, "median_ms": median_ms}
        with full_disk_named(self.path), self.path.open("a", encoding="utf-8") as stream:
            stream.write("\n" + json.dumps(record))  # a line cut by a kill spoils only itself
        self._medians_ms[key][round_number] = median_ms

    def latency_ms(self, key: str) -> float:
        """The figure of a program."""
        return min(self._medians_ms[key].values())


def time_rounds(
    programs: Sequence[Program], folder: Path, raw: RawMeasurements, threads: int
) -> Iterator[Program]:
    """Time what ``raw`` lacks, and yield each program each time it was timed."""
    import torch

    samples = {program.architecture.clip_samples for program in programs}
    noise = torch.Generator().manual_seed(0)
    clips = {number: 0.1 * torch.randn(1, number, generator=noise) for number in samples}
    for round_number in range(ROUNDS):
        order = list(programs)
        random.Random(round_number).shuffle(order)
        for program in order:
            if not raw.has(program.key, round_number):
                engine = Engine(program.path(folder), threads)
                clip = clips[program.architecture.clip_samples]

                def run(engine: Engine = engine, clip: Tensor = clip) -> object:
                    return engine.run_tensor(clip)

                time_runs(run, WARM_UP_RUNS)
                raw.add(program.key, round_number, median(time_runs(run, RUNS_PER_ROUND)))
            yield program


def _difference(found: Any, header: dict[str, Any]) -> str:
    """What the first line of a file says otherwise than ``header``."""
    if not isinstance(found, dict) or found.keys() != header.keys():
        return f"its first line does not tell {', '.join(header)} of what was measured"
    field = next(key for key in header if found[key] != header[key])
    return f"was measured with another {field} ({found[field]}, now {header[field]})"


def _parse(line: str) -> Any:
    try:
        return parse_json(line)
    except ValueError:
        return None
