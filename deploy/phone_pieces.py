"""Time the pieces of a cost table on a phone: a job per round, and one for energy."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.progress import Progress

from deploy.cost_programs import Program
from deploy.cost_rounds import RawMeasurements, method_of
from deploy.engine import runtime_version
from deploy.phone_job import ENERGY, Job, JobModel, build_job, piece_model
from deploy.phone_result import samples_ms
from deploy.phone_session import Session
from deploy.phone_show import job_progress
from search_spaces.cost_table import Piece
from search_spaces.errors import UserError

ROUNDS = 5  # fewer and longer than on a host: nobody else works on a phone, but it warms up
WARM_UP_RUNS = 6
RUNS_PER_ROUND = 15
METHOD = f"on the phone, {method_of(ROUNDS, RUNS_PER_ROUND, WARM_UP_RUNS)}"
LATENCY = {
    "repeats": 1,
    "min_seconds": 0,
    "min_runs": RUNS_PER_ROUND,
    # Two windows always settle: the number of runs thrown away is fixed, as on the host.
    "warm_up": {"window_runs": WARM_UP_RUNS // 2, "tolerance": 1e6, "max_seconds": 30},
}
ENERGY_REPEATS = 3  # the fewest of which the runner makes a value
NOT_ASKED = "was not asked for (--energy-nets)"


@dataclass(frozen=True)
class EnergyFigures:
    """mJ of one clip by the key of a program, or why there is none."""

    value_mj: Mapping[str, float]
    method: str | None
    reason: str | None


@dataclass(frozen=True)
class PhoneBench:
    """Where programs are timed.

    Attributes:
        session: the phone.
        folder: of the host's program files.
        threads: of the runtime.
        shared: shows its jobs beside those of other phones; None where there is none.
        jobs: those that left something on the phone.
        stopped: set to begin no further job.
    """

    session: Session
    folder: Path
    threads: int
    shared: Progress | None = None
    jobs: list[Job] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def files(self, programs: Sequence[Program]) -> dict[str, Path]:
        """What must be on the phone, by SHA-256."""
        return {
            sha256: path
            for program in programs
            for sha256, path in self._model(program).files.items()
        }

    def time_round(self, programs: Sequence[Program], number: int, raw: RawMeasurements) -> None:
        """Time once what ``raw`` lacks of a round.

        Raises:
            UserError: a program does not run; see also `Session.run`.
        """
        missing = [program for program in programs if not raw.has(program.key, number)]
        if missing:
            random.Random(number).shuffle(missing)
            for model in self._run(f"round {number + 1} of {ROUNDS}", missing, None):
                raw.add(model["key"], number, median(samples_ms(model["latency"][0])))

    def measure_energy(self, programs: Sequence[Program]) -> EnergyFigures:
        """Energy of programs; one that could not be measured leaves all without.

        Raises:
            UserError: a program does not run; see also `Session.run`.
        """
        if not programs:
            return EnergyFigures({}, None, NOT_ASKED)
        wish = {"threads": self.threads, **ENERGY, "repeats": ENERGY_REPEATS}
        models = self._run("energy", programs, wish)
        missing = next((model for model in models if model["energy"]["value_mj"] is None), None)
        if missing is not None:
            return EnergyFigures({}, None, f"{missing['key']}: {missing['energy']['reason']}")
        method = f"{models[0]['energy']['method']}, above the idle phone, {ENERGY_REPEATS} windows"
        values = {model["key"]: model["energy"]["value_mj"] for model in models}
        return EnergyFigures(values, method, None)

    def _run(
        self, title: str, programs: Sequence[Program], energy: dict[str, Any] | None
    ) -> list[dict[str, Any]]:
        models = [self._model(program) for program in programs]
        newest = max(program.path(self.folder).stat().st_mtime for program in programs)
        created = datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds")
        serial = self.session.adb.serial
        job = build_job(serial, models, created, [self.threads], latency=LATENCY, energy=energy)
        if self.stopped.is_set():
            raise UserError(f"phone {serial}: stopped by hand")
        self.jobs.append(job)
        if self.shared is not None:
            title = f"{serial}: {title}"
        with job_progress(title, self.shared) as show:
            measured = self.session.run(job, show)["models"]
        failed = next((model for model in measured if model["status"] == "failed"), None)
        if failed is not None:
            raise UserError(f"phone {serial}: {failed['key']}: {failed['error']['message']}")
        return measured

    def _model(self, program: Program) -> JobModel:
        path = program.path(self.folder)
        samples = program.architecture.clip_samples
        return piece_model(program.key, program.precision, path, samples, runtime_version())


def with_energy(piece: Piece, keys: Mapping[str, str], energy: EnergyFigures) -> Piece:
    """The piece with its energy, where it was measured.

    Args:
        piece: measured in ms.
        keys: key of its program at each precision.
        energy: of some programs.
    """
    figures = {
        precision: energy.value_mj[key] for precision, key in keys.items() if key in energy.value_mj
    }
    return replace(piece, energy_mj=figures)
