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
from search_spaces.errors import UserError
from search_spaces.json_values import parse_json

if TYPE_CHECKING:
    from torch import Tensor

ROUNDS = 25
WARM_UP_RUNS = 2
RUNS_PER_ROUND = 9  # short, so that some round falls whole into a quiet moment
METHOD = (
    f"smallest of {ROUNDS} medians; each median is of {RUNS_PER_ROUND} runs after {WARM_UP_RUNS}"
    " that were thrown away; every round times all nets once in a random order; batch 1"
)


class RawMeasurements:
    """The file of medians: a header line that says of what machine, then one line per median.

    Args:
        path: of the file; lines already there are kept.
        header: device, runtime, threads.

    Raises:
        UserError: the file is of another machine, runtime or number of threads.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        self._medians_ms: dict[str, dict[int, float]] = defaultdict(dict)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        records = [record for record in map(_parse, lines) if record is not None]
        if not records:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(header) + "\n", encoding="utf-8")
        elif records[0] != header:
            field = next(key for key in header if records[0].get(key) != header[key])
            raise UserError(
                f"{path}: was measured with another {field} ({records[0].get(field)}, now"
                f" {header[field]}); remove it or choose another --out"
            )
        for record in records[1:]:
            self._medians_ms[record["key"]][record["round"]] = record["median_ms"]

    def has(self, key: str, round_number: int) -> bool:
        """Whether a program was timed in a round."""
        return round_number in self._medians_ms[key]

    def complete(self, key: str) -> bool:
        """Whether a program was timed in every round."""
        return len(self._medians_ms[key]) >= ROUNDS

    def add(self, key: str, round_number: int, median_ms: float) -> None:
        """Keep a median, also on disk."""
        record = {"key": key, "round": round_number, "median_ms": median_ms}
        with self.path.open("a", encoding="utf-8") as stream:
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


def _parse(line: str) -> dict[str, Any] | None:
    try:
        return parse_json(line)
    except ValueError:
        return None
