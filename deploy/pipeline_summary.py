"""The short table at the end of a run: what each winner turned out to be on test readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.bundle import Bundle, read_bundle
from deploy.evaluation import read_evaluation
from deploy.measurement import read_measurement
from deploy.pipeline_state import CONFIG_FILE, TUNED, tunes
from deploy.report_text import percent
from deploy.text_columns import aligned
from search_spaces.frontier import Winner, read_frontier
from search_spaces.task import Task

TITLES = {"mae": "MAE", "balanced_error": "balanced", "set_error": "whole sets"}


def print_summary(run: Path) -> None:
    """Print the winners' table and the report's path on stdout."""
    heard = "readers" if _task(run).kind == "counts" else "recordings"
    print(f"\nThe winners on test {heard}, least ranking error first:\n")
    print(aligned([columns(_task(run)), *summary_rows(run)]))
    print(f"\nreport: {run / 'report.html'}")


def columns(task: Task) -> tuple[str, ...]:
    """What the table shows of a run of this task: the headline error and the figure after it."""
    headline, second, *_ = task.judged_by
    errors = (f"{headline.title} (95 %)", TITLES[second.key])
    return ("winner", "precision", *errors, "params", "p50 ms", "kB")


def summary_rows(run: Path) -> Iterator[tuple[str, ...]]:
    """One row per winner and precision kept, in the order of `columns`.

    Winners go by their ranking error in the search, for the test readers choose nothing.
    """
    headline, second, *_ = _task(run).judged_by
    for winner in sorted(_winners(run), key=lambda winner: winner.ranking_error):
        bundle = read_bundle(run / "bundles" / winner.name)
        for precision in bundle.precisions:
            name = f"{winner.name}-{precision}.json"
            metrics = read_evaluation(run / "evaluations" / name)["metrics"]
            measurement = read_measurement(run / "measurements" / name)
            yield (
                winner.name,
                precision,
                percent(metrics[headline.key]),
                second.text(metrics[second.key]["value"], 1 if second.unit else 2),
                str(winner.params),
                f"{_p50_ms(measurement):.2f}",
                f"{_size_kb(bundle, precision):.0f}",
            )


def _task(run: Path) -> Task:
    return read_frontier(run / "search" / "frontier.json").task


def _winners(run: Path) -> list[Winner]:
    """The winners of the search, and the one that was trained on alone if the run has it."""
    paths = [run / "search" / "frontier.json"]
    if (run / TUNED).exists() and tunes(run / CONFIG_FILE):
        paths.append(run / TUNED)
    return [winner for path in paths for winner in read_frontier(path).winners]


def _p50_ms(measurement: dict[str, Any]) -> float:
    return measurement["latency_ms"]["p50"]


def _size_kb(bundle: Bundle, precision: str) -> float:
    return bundle.model_path(precision).stat().st_size / 1000
