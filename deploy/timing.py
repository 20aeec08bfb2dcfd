"""Time several things in turns, so that a burst of the host's noise hits all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

WARM_UP_BATCH = 10
STABLE_WITHIN = 0.02
MAX_WARM_UP_S = 3.0
RUNS_PER_TURN = 20


@dataclass(frozen=True)
class WarmUp:
    """Runs that were thrown away, and whether the median had settled at their end."""

    runs: int
    stable: bool


def warm_up(run: Callable[[], object], max_seconds: float = MAX_WARM_UP_S) -> WarmUp:
    """Run until the medians of two batches in a row lie within 2 %, at most ``max_seconds``."""
    deadline = time.perf_counter() + max_seconds
    previous = median(time_runs(run, WARM_UP_BATCH))
    runs = WARM_UP_BATCH
    while True:
        latest = median(time_runs(run, WARM_UP_BATCH))
        runs += WARM_UP_BATCH
        if abs(latest - previous) <= STABLE_WITHIN * previous:
            return WarmUp(runs, stable=True)
        if time.perf_counter() > deadline:
            return WarmUp(runs, stable=False)
        previous = latest


def time_runs(run: Callable[[], object], runs: int) -> list[float]:
    """Milliseconds of each of ``runs`` calls."""
    samples = []
    for _ in range(runs):
        begin = time.perf_counter_ns()
        run()
        samples.append((time.perf_counter_ns() - begin) / 1e6)
    return samples


def time_in_turns(
    subjects: Mapping[str, Callable[[], object]], runs: Mapping[str, int]
) -> dict[str, list[float]]:
    """Milliseconds of every call of each subject, taken 20 at a time in turns.

    Args:
        subjects: by name; each was warmed up.
        runs: calls of each; a subject with fewer drops out of the later turns.
    """
    samples: dict[str, list[float]] = {name: [] for name in subjects}
    while any(len(samples[name]) < runs[name] for name in subjects):
        for name, run in subjects.items():
            left = min(RUNS_PER_TURN, runs[name] - len(samples[name]))
            if left > 0:
                run()  # brings its weights back into the cache; not counted
                samples[name] += time_runs(run, left)
    return samples
