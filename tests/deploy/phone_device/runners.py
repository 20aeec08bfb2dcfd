"""What `am instrument` runs on the test phone: made-up figures, or the runner's own classes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.deploy.phone_device.scripted import scripted_result, write_result

Write = Callable[[bytes], None]
RESULTS = "/sdcard/Android/media/org.ersam.runner/results"
CRASHED = "INSTRUMENTATION_RESULT: shortMsg=Process crashed.\nINSTRUMENTATION_CODE: 0\n"


class Runner(Protocol):
    """Runs one job at a time; it goes on when nobody listens any more."""

    pid: int | None

    def run(self, job: Path, results: Path, write: Write) -> None: ...

    def stop(self) -> None: ...


class ScriptedRunner:
    """Made-up figures.

    Args:
        seconds_per_model: how long it takes.
        crash_at: model whose turn ends the process.
        ending: lines in place of the usual end (an error of the job).
        hang: says nothing and never ends.
        failing: precision whose models do not pass their vectors.
        latency_ms: of a model by its key; None for a figure that is always the same.

    Attributes:
        energy_mj: of a model by its key; None for a phone that is being charged.
    """

    def __init__(
        self,
        seconds_per_model: float = 0.0,
        crash_at: int | None = None,
        ending: str | None = None,
        hang: bool = False,
        failing: str | None = None,
        latency_ms: Callable[[str], float] | None = None,
    ) -> None:
        self.seconds_per_model, self.crash_at = seconds_per_model, crash_at
        self.ending, self.hang = ending, hang
        self.failing, self.latency_ms = failing, latency_ms
        self.energy_mj: Callable[[str], float] | None = None
        self.pid: int | None = None
        self.models_run = 0
        self.starts = 0
        self._stopped = threading.Event()

    def run(self, job: Path, results: Path, write: Write) -> None:
        self.pid, self.starts = 4000 + self.starts, self.starts + 1
        self._stopped.clear()
        try:
            self._run(job, results, _patient(write))
        finally:
            self.pid = None

    def stop(self) -> None:
        self._stopped.set()

    def _run(self, job_path: Path, results: Path, write: Write) -> None:
        content = job_path.read_bytes()
        job = json.loads(content)
        path = results / f"{job['job_id']}.json"
        done = len(json.loads(path.read_text())["models"]) if path.exists() else 0
        write(_status(job, "started", 0.0))
        if self.hang:
            self._stopped.wait(60)
        if self.ending is not None:
            write(self.ending.encode())
            return
        for number in range(done, len(job["models"])):
            write(_status(job, "model_started", number / len(job["models"])))
            if self.crash_at == number or self._stopped.wait(self.seconds_per_model):
                write(CRASHED.encode())
                return
            self.models_run += 1
            if self.crash_at is not None or self.seconds_per_model:  # somebody may look
                write_result(path, self._result(content, number + 1))
        write_result(path, self._result(content, None))
        write(f"INSTRUMENTATION_RESULT: ersam.result={path}\nINSTRUMENTATION_CODE: -1\n".encode())

    def _result(self, content: bytes, finished_models: int | None) -> dict[str, Any]:
        result = scripted_result(content, finished_models, failing=self.failing)
        for model in result["models"]:
            if self.latency_ms is not None and model["latency"]:
                model["latency"][0]["repeats"][0]["samples_ms"] = [self.latency_ms(model["key"])]
                del model["latency"][0]["repeats"][1:]
            if self.energy_mj is not None and model["energy"] is not None:
                model["energy"] |= {
                    "value_mj": self.energy_mj(model["key"]),
                    "method": "battery_charge_counter",
                    "reason": None,
                }
        return result


class JvmRunner:
    """The runner's own compiled Kotlin.

    Args:
        classpath: of the runner's classes.
        device: file that says what phone it is on.
        engine: command of the engine process; empty for a package without one.
    """

    def __init__(self, classpath: str, device: Path, engine: Sequence[str]) -> None:
        self._classpath, self._device, self._engine = classpath, device, engine
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process else None

    def run(self, job: Path, results: Path, write: Write) -> None:
        command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", self._classpath]
        command += ["org.ersam.runner.jvm.JvmMain", "--job", str(job), "--results", str(results)]
        command += ["--device", str(self._device), *(["--", *self._engine] if self._engine else [])]
        write = _patient(write)
        with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
            self._process = process
            assert process.stdout is not None
            for line in process.stdout:
                write(line)
        if process.returncode != 0:
            write(CRASHED.encode())

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _status(job: dict[str, object], event: str, fraction: float) -> bytes:
    values = {
        "job_id": job["job_id"],
        "event": event,
        "fraction": f"{fraction:.4f}",
        "message": event.replace("_", " "),
    }
    lines = [f"INSTRUMENTATION_STATUS: ersam.{name}={value}\n" for name, value in values.items()]
    return "".join([*lines, "INSTRUMENTATION_STATUS_CODE: 1\n"]).encode()


def _patient(write: Write) -> Write:
    """Go on without a listener: on a phone the job survives the end of its shell."""
    heard = True

    def attempt(data: bytes) -> None:
        nonlocal heard
        if heard:
            try:
                write(data)
            except (ConnectionError, OSError):
                heard = False
        time.sleep(0)

    return attempt
