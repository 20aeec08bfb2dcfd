"""Run one job on one phone: start it or find it running, follow it, and bring its result back.

The job goes on when the connection ends. A command that is given again therefore takes a result
that is there, waits for a job that still runs, or starts it again; the runner then takes over the
models that were finished.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.adb import Adb
from deploy.phone_end import check_end, save_log
from deploy.phone_files import ROOT, push_text
from deploy.phone_job import Job
from deploy.phone_progress import InstrumentOutput
from deploy.phone_result import read_result
from deploy.phone_runner import RunnerPackage
from search_spaces.errors import UserError, one_line

RUNNING = f"{ROOT}/running"
JOBS = f"{ROOT}/jobs"
_PULL_S = 120.0
_POLL_S = 2.0
_QUIET_S = 8.0  # the runner says something every 2 s
_HANGS_S = 120.0
Show = Callable[[dict[str, str]], None]


@dataclass(frozen=True)
class Session:
    """A phone with the runner on it.

    Attributes:
        adb: its client.
        runner: what is installed.
        logs: folder of the host for the phone's log after a crash.
        quiet_s: silence after which the phone is asked for a sign of life.
    """

    adb: Adb
    runner: RunnerPackage
    logs: Path
    quiet_s: float = _QUIET_S

    @property
    def _results(self) -> str:
        return f"/sdcard/Android/media/{self.runner.name}/results"

    def run(self, job: Job, show: Show, known: str | None = None) -> dict[str, Any]:
        """Measure ``job`` and return its result, which is complete; it stays on the phone.

        Args:
            job: its files are on the phone already.
            show: called with each status of the runner.
            known: ``finished`` of an earlier result of the same job that the host has already; if
                it is still on the phone, the job is measured anew.

        Raises:
            PhoneLostError: the phone went away; the job goes on there.
            UserError: another job runs, the runner crashed, was killed or hangs, or it refused.
        """
        holder = self.running_job()
        if holder is not None and holder != job.job_id:
            raise UserError(
                f"phone {self.adb.serial}: is busy with job {holder} of another command; wait, or"
                f" stop it with `adb -s {self.adb.serial} shell am force-stop {self.runner.name}`"
            )
        if holder is not None:
            show({"message": "the job still runs, waiting for it"})
            while self.running_job() == job.job_id:
                time.sleep(_POLL_S)
        result = self._fetch(job)
        if result is not None and result["finished"] == known:
            self.forget(job)
            result = None
        if result is None or not result["complete"]:
            self._start(job, show)
            result = self._fetch(job)
        if result is None or not result["complete"]:
            raise UserError(
                f"phone {self.adb.serial}: the runner ended without a whole result;"
                " give the same command again"
            )
        return result

    def running_job(self) -> str | None:
        """Id of the job that the runner's process works on; None where it works on none."""
        pids = self.adb.shell(["pidof", self.runner.name]).out.split()
        marks = self.adb.shell(["ls", RUNNING]).out.split() if pids else []
        found = (mark.rpartition(".") for mark in marks)
        return next((job_id for job_id, _, pid in found if pid in pids), None)

    def stop(self) -> None:
        """End the runner."""
        self.adb.shell(["am", "force-stop", self.runner.name])

    def forget(self, job: Job) -> None:
        """Remove a job and its result."""
        self._remove([job], ())

    def clean(self, jobs: Sequence[Job], keep: bool) -> None:
        """Remove what jobs left, unless ``keep`` also the files that were pushed.

        The results are with the host: a phone that went away is only told of.
        """
        with _cleaning_up():
            self._remove(jobs, () if keep else (ROOT,))

    def abandon(self, jobs: Sequence[Job]) -> None:
        """End the runner if it works on none but these jobs, and remove everything of them.

        A phone that went away is only told of.
        """
        with _cleaning_up():
            if self.running_job() in (None, *(job.job_id for job in jobs)):
                self.stop()
            self._remove(jobs, (ROOT,))

    def _remove(self, jobs: Sequence[Job], folders: Sequence[str]) -> None:
        names = [RUNNING, *folders]
        for job in jobs:
            names += [f"{JOBS}/{job.job_id}", f"{self._results}/{job.job_id}.json"]
        answer = self.adb.shell(["rm", "-rf", *names])
        if answer.code != 0:
            raise UserError(f"phone {self.adb.serial}: cannot remove {names[-1]}: {answer.err}")

    def _start(self, job: Job, show: Show) -> None:
        path = f"{JOBS}/{job.job_id}/job.json"
        push_text(self.adb, job.text, path)
        words = ["am", "instrument", "-w", "-r", "-e", "job", path, self.runner.instrumentation]
        output = InstrumentOutput()
        process = self.adb.start_shell(words)
        pid = None
        try:
            for line in self._lines(process):
                status = output.feed(line)
                if status is not None:
                    if pid is None:
                        pid = self._mark(job)
                    show(status)
        finally:
            process.kill()
            process.wait()
        if output.code is None and (not self.adb.alive() or self.running_job() == job.job_id):
            raise self.adb.lost("the job goes on")
        check_end(self.adb, self.runner.name, output, pid, self.logs)

    def _mark(self, job: Job) -> str | None:
        """Note on the phone which process works on which job."""
        pids = self.adb.shell(["pidof", self.runner.name]).out.split()
        if not pids:
            return None
        self.adb.shell(["rm", "-rf", RUNNING], ["mkdir", "-p", f"{RUNNING}/{job.job_id}.{pids[0]}"])
        return pids[0]

    def _lines(self, process: subprocess.Popen[str]) -> Iterator[str]:
        """Lines of the process as they come.

        Raises:
            PhoneLostError: silence, and no sign of life.
            UserError: the phone lives, and the runner says nothing for two minutes.
        """
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_read_lines, args=(process, lines), daemon=True).start()
        last = time.monotonic()
        while True:
            try:
                line = lines.get(timeout=self.quiet_s)
            except queue.Empty:
                if not self.adb.alive():
                    raise self.adb.lost(
                        "no sign of life; the job goes on if the phone runs"
                    ) from None
                if time.monotonic() - last > _HANGS_S:
                    log = save_log(self.adb, self.logs)
                    self.stop()
                    raise UserError(
                        f"phone {self.adb.serial}: the runner hangs, it was stopped; the phone's"
                        f" log is in {log}"
                    ) from None
                continue
            if line is None:
                return
            last = time.monotonic()
            yield line

    def _fetch(self, job: Job) -> dict[str, Any] | None:
        """The result on the phone if it is of this very job."""
        name = f"{job.job_id}.json"
        if name not in self.adb.shell(["ls", self._results]).out.split():
            return None
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / name
            self.adb.pull(f"{self._results}/{name}", local, _PULL_S)
            result = read_result(local)
        return result if result["job_sha256"] == job.sha256 else None


@contextmanager
def stopped_by_hand(session: Session, jobs: Sequence[Job]) -> Iterator[None]:
    """Let Ctrl-C end the job on the phone as well, and leave nothing there."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"phone {session.adb.serial}: stopping the job", file=sys.stderr)
        session.abandon(jobs)
        raise


@contextmanager
def _cleaning_up() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        print(f"could not clean up: {one_line(str(error))}", file=sys.stderr)


def _read_lines(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    if process.stdout is not None:
        for line in process.stdout:
            lines.put(line)
    lines.put(None)
