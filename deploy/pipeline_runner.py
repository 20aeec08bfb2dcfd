"""Runs the steps of a pipeline one after the other: skips, resumes, records, shows progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from deploy.pipeline_state import RunFolder, Step
from search_spaces.errors import EXIT_BAD_INPUT, UserError
from search_spaces.processes import describe_exit, minutes, run_python

RECORDED_PACKAGES = ("ersam-kit", "torch", "executorch", "torchao", "nni", "lightning", "numpy")


class StepRefusedError(Exception):
    """A command ended with exit code 2, after its own one-line error.

    Args:
        name: of the step.
        as_before: whether what the step did with earlier options is there again.
    """

    def __init__(self, name: str, as_before: bool) -> None:
        super().__init__(name)
        self.as_before = as_before


def recorded_versions() -> dict[str, str]:
    """Versions that a result depends on, by package."""
    return {package: version(package) for package in RECORDED_PACKAGES}


def run_steps(run: RunFolder, steps: Iterable[Step], expected_s: Mapping[str, float]) -> None:
    """Run every step that is not done yet, each as its own process.

    Args:
        run: the opened run folder.
        steps: in order; may be lazy, since later steps depend on what a search found.
        expected_s: usual duration of each stage in seconds, in order; for the time left.

    Raises:
        StepRefusedError: a command refused its input (it has said why).
        UserError: a command failed otherwise.
        KeyboardInterrupt: Ctrl-C; the command at work has ended.
    """
    stages = list(expected_s)
    started = time.monotonic()
    for step in steps:
        key = step.key()
        position = stages.index(step.stage)
        if run.is_done(step, key):
            _say(f"[{position + 1}/{len(stages)}] {step.name}: done before, unchanged")
            continue
        left_s = sum(expected_s[stage] for stage in stages[position:])
        gone_s = time.monotonic() - started
        _say(
            f"[{position + 1}/{len(stages)}] {step.name}  "
            f"({minutes(gone_s)} gone, about {minutes(left_s)} left)"
        )
        run.begin(step, key)
        exit_code = _run_recorded(run, step)
        if exit_code == EXIT_BAD_INPUT:
            raise StepRefusedError(step.name, run.refused(step))
        if exit_code != 0:
            raise UserError(
                f"step {step.name!r} {describe_exit(exit_code)}; its last words are above;"
                " the same command again goes on from this step"
            )
        run.finish(step, key)


def _run_recorded(run: RunFolder, step: Step) -> int:
    """Run one command to its end and append it to ``commands.jsonl``; returns its exit code."""
    began = datetime.now(UTC)
    clock = time.monotonic()
    exit_code: int | None = None
    argv = (*step.argv, *step.reporting)
    try:
        exit_code = run_python(argv)
        return exit_code
    finally:
        run.record(
            {
                "stage": step.stage,
                "label": step.label,
                "argv": ["python", *argv],
                "started": began.isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - clock, 2),
                "versions": recorded_versions(),
                "exit_code": exit_code,
            }
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
