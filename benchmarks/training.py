"""`python -m benchmarks.training`: clips per second of a supernet's training step, and its parts.

Two runs of `lightning_modules fit`, of few and of more steps: what they differ in CPU time is the
steps', without start and export, whoever else is busy. With `--against`, the same runs by the code
of another revision take turns with those of this one, with `--precision` those in it as well, and
with `--beside` another recipe's, whose steps have as many clips.
"""

from __future__ import annotations

import os
import pstats
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

from benchmarks.machine import figure, write_result
from lightning_modules.sources_cache import CACHE_VARIABLE
from search_spaces.command_line import CommandParser, positive_whole_number
from search_spaces.errors import UserError, run_command
from search_spaces.termination import terminated_as_interrupted

CONFIG = Path("lightning_modules/configs/sam-lite.yaml")
FIRST_STEPS = 3  # of the shorter run: the first steps allocate
TARGET_RATIO = 2
_ROOT = Path(__file__).parent.parent
# Parts by the function that does them; a part may hold another one.
PARTS = {
    "mixing": ("mixtures.py", "__getitem__"),
    "features of the students": ("students.py", "of"),
    "teacher": ("module.py", "teacher_probabilities"),
    "forward passes": ("module.py", "_student_logits"),
    "backward pass": ("graph.py", "_engine_run_backward"),
    "teacher's average": ("ema.py", "update_average"),
}


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """The code of a revision in a temporary folder.

    Raises:
        UserError: not a revision of this repository, or no repository.
    """
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "code")
        added = _git("worktree", "add", "--detach", str(folder), revision)
        if added.returncode:
            said = added.stderr.strip().splitlines()[-1]
            raise UserError(f"--against: {revision} cannot be checked out ({said})")
        try:
            yield folder
        finally:
            _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True)


def cpu_seconds(
    code: Path, arguments: Sequence[str], cache: Path, profile: Path | None = None
) -> float:
    """CPU time of `lightning_modules fit` by the code of a folder, on one thread.

    Args:
        code: the folder.
        arguments: of the command.
        cache: of prepared speech; revisions may not read each other's.
        profile: file for Python's profile.

    Raises:
        UserError: it failed; its last line is named.
    """
    python = [sys.executable] + (["-m", "cProfile", "-o", str(profile)] if profile else [])
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    environment = {**os.environ, **threads, CACHE_VARIABLE: str(cache)}
    before = os.times()
    done = subprocess.run(
        [*python, "-m", "lightning_modules", "fit", *arguments],
        cwd=code,
        env=environment,
        capture_output=True,
        text=True,
    )
    after = os.times()
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"lightning_modules fit: failed in {code}: {said}")
    return (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )


class Contender(NamedTuple):
    """The code in a folder, with options of `fit`: a configuration, the batch and others."""

    code: Path
    options: tuple[str, ...]


def batch_options(labelled: int, unlabelled: int) -> tuple[str, ...]:
    """Options of `fit` for the clips of a step, whatever a configuration says of them."""
    return (f"--data.labelled_batch_size={labelled}", f"--data.unlabelled_batch_size={unlabelled}")


class StepTimer:
    """CPU seconds per step of a contender.

    Args:
        options: of the command.
        folder: temporary; the runs' folders go there.
    """

    def __init__(self, options: Any, folder: Path) -> None:
        self._options, self._folder = options, folder
        self._runs = 0

    def arguments(self, contender: Contender, steps: int) -> list[str]:
        """Of a run of so many steps."""
        self._runs += 1
        given = {
            "--data.speech": self._options.speech,
            "--data.num_workers": 0,
            "--trainer.max_steps": steps,
            "--trainer.default_root_dir": self._folder / f"run{self._runs}",
        }
        return [*contender.options, *(str(word) for pair in given.items() for word in pair)]

    def per_step(self, contender: Contender) -> float:
        """Of one pair of runs."""
        steps = self._options.steps
        few, more = (self._seconds(contender, FIRST_STEPS + extra) for extra in (0, steps))
        return (more - few) / steps

    def warm_up(self, contender: Contender) -> None:
        """Prepare the speech, which no timed run shall do."""
        self._seconds(contender, 1)

    def _seconds(self, contender: Contender, steps: int, profile: Path | None = None) -> float:
        cache = self._folder / f"cache-{contender.code.name}"
        return cpu_seconds(contender.code, self.arguments(contender, steps), cache, profile)

    def parts(self, contender: Contender) -> dict[str, float]:
        """CPU seconds per step of each of `PARTS`, by Python's profiler, which adds its own."""
        seconds = []
        for extra in (0, self._options.steps):
            path = self._folder / f"profile{extra}"
            self._seconds(contender, FIRST_STEPS + extra, path)
            seconds.append(parts_of(pstats.Stats(str(path))))
        few, more = seconds
        return {part: (more[part] - few[part]) / self._options.steps for part in PARTS}


def parts_of(stats: pstats.Stats) -> dict[str, float]:
    """Seconds of each of `PARTS` in a run, what they call included."""
    entries: dict[Any, Any] = stats.stats  # type: ignore[attr-defined]
    return {
        part: sum(
            cumulative
            for (file, _, name), (_, _, _, cumulative, _) in entries.items()
            if name == function and Path(file).name == module
        )
        for part, (module, function) in PARTS.items()
    }


def main(argv: Sequence[str]) -> int:
    """Measure, print, and write the result file."""
    parser = CommandParser(prog="python -m benchmarks.training", description=__doc__)
    add = parser.add_argument
    add("--speech", required=True, help="as for `lightning_modules`; an absolute path")
    add("--config", type=Path, default=CONFIG, help="of `fit` (%(default)s)")
    add("--against", metavar="REVISION", help="measure the code of this revision too")
    add("--precision", help="of the trainer: measure this code at it too, e.g. bf16-mixed")
    add("--beside", metavar="OPTIONS", help="of `fit`, quoted: measure this code with these, too")
    add("--steps", type=positive_whole_number, default=20, help="of a run (%(default)s)")
    add("--runs", type=positive_whole_number, default=3, help="whose median counts (%(default)s)")
    add("--out", type=Path, help="result file (docs/results/training.json)")
    options = parser.parse_args(argv)
    try:
        data = yaml.safe_load(options.config.read_text(encoding="utf-8"))["data"]
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        raise UserError(f"--config: {options.config} is no config of `fit` with data") from None
    batch = data["labelled_batch_size"], data["unlabelled_batch_size"]
    clips = sum(batch)
    if Path(options.speech).is_dir():  # the other revision runs in another folder
        options.speech = str(Path(options.speech).resolve())
    own = ("--config", str(options.config), *batch_options(*batch))
    with terminated_as_interrupted(), TemporaryDirectory() as folder:
        timer = StepTimer(options, Path(folder))
        contenders = {"": Contender(_ROOT, own)}
        if options.precision is not None:
            precision = ("--trainer.precision", options.precision)
            contenders[f", {options.precision}"] = Contender(_ROOT, (*own, *precision))
        if options.beside is not None:
            beside = (*_words("--beside", options.beside), *batch_options(clips, 0))
            contenders[f", {options.beside}"] = Contender(_ROOT, beside)
        with ExitStack() as stack:
            if options.against is not None:
                code = stack.enter_context(checked_out(options.against))
                contenders[f", {options.against}"] = Contender(code, own)
            seconds = _take_turns(timer, contenders, options.runs)
        parts = timer.parts(contenders[""])
    name = f"{options.config.stem}: clips of a training step, one core"
    step_s = {title: median(values) for title, values in seconds.items()}
    figures = [figure(name + title, clips / value, "clips/s") for title, value in step_s.items()]
    if options.against is not None:
        before = step_s.pop(f", {options.against}")
        figures += [
            figure(
                f"{name}{title}, against {options.against}",
                before / value,
                "times",
                f">= {TARGET_RATIO}",
            )
            for title, value in step_s.items()
        ]
    figures += [figure(f"a step's {part}", 1e3 * value, "ms") for part, value in parts.items()]
    for row in figures:
        print(f"{row['name']}: {row['value']:.4g} {row['unit']}")
    details = {
        "seconds_per_step": {title.removeprefix(", "): each for title, each in seconds.items()},
        "clips": clips,
    }
    command = shlex.join(["python", "-m", "benchmarks.training", *argv])
    print(write_result("training", command, figures, details, options.out))
    return 0


def _words(flag: str, quoted: str) -> list[str]:
    try:
        return shlex.split(quoted)
    except ValueError as error:
        raise UserError(f"{flag}: {error} in {quoted}") from None


def _take_turns(
    timer: StepTimer, contenders: Mapping[str, Contender], runs: int
) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {title: [] for title in contenders}
    for contender in contenders.values():
        timer.warm_up(contender)
    for run in range(runs):
        for title, contender in contenders.items():
            seconds[title].append(timer.per_step(contender))
            print(
                f"run {run + 1} of {runs}, {contender.code}{title}: {seconds[title][-1]:.3g} s",
                file=sys.stderr,
            )
    return seconds


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
