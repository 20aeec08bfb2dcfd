"""`python -m deploy compare`: how much faster one measurement is than another."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from deploy.measurement import MIN_RUNS, comparable, read_measurement
from deploy.timing import RUNS_PER_TURN
from search_spaces.command_line import named_path
from search_spaces.errors import UserError

HELP = "ratio of two measurements of one machine and build, with its bootstrap interval"
RESAMPLES = 2_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("a", type=named_path, help="measurement.json")
    parser.add_argument("b", type=named_path, help="measurement.json to compare it with")


def run(args: argparse.Namespace) -> int:
    """Print both medians and their ratio."""
    a, b = _with_enough_runs(args.a), _with_enough_runs(args.b)
    comparable(a, b)
    ratio, low, high = median_ratio(a["latency_ms"]["samples"], b["latency_ms"]["samples"])
    for measurement in (a, b):
        median_ms = np.median(measurement["latency_ms"]["samples"])  # as the ratio takes it
        print(f"{_title(measurement)}: median {median_ms:.3f} ms")
    verdict = "no difference is shown" if low <= 1 <= high else "the difference is not chance"
    print(
        f"{_title(b)} takes {ratio:.3f} times as long as {_title(a)}"
        f" (95 % interval {low:.3f} to {high:.3f}): {verdict}"
    )
    return 0


def _with_enough_runs(path: Path) -> dict[str, Any]:
    """A measurement of which an interval can be had: one of a turn would have no width at all.

    Raises:
        UserError: it holds fewer runs than every measurement is made of.
    """
    measurement = read_measurement(path)
    runs = len(measurement["latency_ms"]["samples"])
    if runs < MIN_RUNS:
        raise UserError(
            f"{path}: field $.latency_ms.samples: holds {runs} runs, expected at least {MIN_RUNS}"
            " to tell a difference from chance; measure it again"
        )
    return measurement


def median_ratio(a_ms: list[float], b_ms: list[float]) -> tuple[float, float, float]:
    """Median of ``b`` over median of ``a`` with its 95 % percentile bootstrap interval.

    The runs of each are resampled on their own, a turn of runs at once, since runs that follow each
    other are alike (moving blocks: Künsch 1989, Annals of Statistics 17, section 2).
    """
    rng = np.random.default_rng(0)
    a, b = (_resampled_medians(np.asarray(samples), rng) for samples in (a_ms, b_ms))
    low, high = np.percentile(b / a, (2.5, 97.5))
    return float(np.median(b_ms) / np.median(a_ms)), float(low), float(high)


def _resampled_medians(
    values: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Medians of `RESAMPLES` series as long as ``values``, put together from its blocks."""
    block = min(RUNS_PER_TURN, len(values))
    blocks = sliding_window_view(values, block)
    needed = -(-len(values) // block)
    return np.array(
        [
            np.median(blocks[rng.integers(len(blocks), size=needed)].ravel()[: len(values)])
            for _ in range(RESAMPLES)
        ]
    )


def _title(measurement: dict[str, Any]) -> str:
    return f"{measurement['bundle']['name']} {measurement['bundle']['precision']}"
