"""A progress bar on stderr for work that goes through files or counts to a number."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


def stderr_progress(wanted: bool = True) -> Progress:
    """A bar that shows only where it is wanted and somebody watches (stderr is a terminal)."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not (wanted and sys.stderr.isatty()),
        transient=True,
    )


@contextmanager
def counted_progress(description: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield a function to call after each of ``total`` steps: a bar, or a line every tenth.

    The bar has a file descriptor of its own, which stays with the terminal while native libraries
    are kept quiet (`deploy.quiet`).
    """
    if sys.stderr.isatty():
        with (
            os.fdopen(os.dup(sys.stderr.fileno()), "w") as terminal,
            Progress(
                TextColumn("{task.description} {task.completed}/{task.total}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                console=Console(file=terminal, force_terminal=True),
            ) as progress,
        ):
            task = progress.add_task(description, total=total)
            yield lambda: progress.advance(task)
        return
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if 10 * done // total > 10 * (done - 1) // total:
            print(f"{description}: {done}/{total}", file=sys.stderr, flush=True)

    yield step
