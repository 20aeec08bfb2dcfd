"""`job.json`: what a phone is asked to measure, and the files that this takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema

from deploy.bundle import MANIFEST, MODEL_FILES, VECTORS, Bundle
from deploy.engine import is_older
from deploy.phone_runner import RunnerPackage
from search_spaces.errors import UserError
from search_spaces.files import load_schema, sha256_file

SCHEMA_VERSION = 1
SCHEMA = load_schema(Path(__file__).parent / "schemas", "job")
MIN_BATTERY_PERCENT = 20
GATE = {
    "max_battery_temperature_c": 35.0,
    "max_thermal_headroom": 0.7,
    "max_wait_seconds": 300,
    "poll_seconds": 5,
    "min_battery_percent": MIN_BATTERY_PERCENT,
}
WARM_UP = {"window_runs": 10, "tolerance": 0.02, "max_seconds": 30}
LATENCY = {"repeats": 3, "min_seconds": 60, "min_runs": 200, "warm_up": WARM_UP}
MEMORY = {"runs": 5}
# Android gives an app a new reading of its power rails every 30 s at most: windows must be long.
ENERGY = {"repeats": 5, "active_seconds": 95, "baseline_seconds": 65, "sample_interval_ms": 1000}
_FILES_FROM_JOB = "../../files"


@dataclass(frozen=True)
class JobModel:
    """One model of a job.

    Attributes:
        entry: as in the schema.
        files: what it takes, by SHA-256.
    """

    entry: dict[str, Any]
    files: dict[str, Path]


@dataclass(frozen=True)
class Job:
    """A job and the files it takes.

    Attributes:
        text: of `job.json`; the same for the same work on the same phone.
        files: by SHA-256.
    """

    text: str
    files: dict[str, Path]
    content: dict[str, Any] = field(repr=False)

    @property
    def job_id(self) -> str:
        """Name of the job on the phone."""
        return self.content["job_id"]

    @property
    def minutes(self) -> float:
        """Least time that its windows take, without loading, warming up and cooling down."""
        parts, models = self.content, len(self.content["models"])
        seconds = parts["latency"]["min_seconds"] * len(parts["threads"])
        if parts["energy"] is not None:
            plan = parts["energy"]
            baselines = plan["repeats"] + 1  # two that follow each other share the one between them
            seconds += plan["repeats"] * plan["active_seconds"]
            seconds += baselines * plan["baseline_seconds"]
        day = parts["day_profile"]
        return models * (seconds / 60 + (0 if day is None else 2 * day["minutes"]))

    @property
    def sha256(self) -> str:
        """Of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def build_job(
    serial: str,
    models: Sequence[JobModel],
    created: str,
    threads: Sequence[int],
    *,
    latency: dict[str, Any],
    memory: dict[str, Any] | None = None,
    energy: dict[str, Any] | None = None,
    day_profile: dict[str, Any] | None = None,
) -> Job:
    """Put a job together; parts as in the schema, None skips one.

    Args:
        serial: of the phone; it goes into the job's id only.
        models: in the order in which they are measured.
        created: UTC time of what is measured, ISO 8601.
        threads: each model is measured with each.
        latency, memory, energy, day_profile: parts of the job.
    """
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "created": created,
        "kit_version": version("ersam-kit"),
        "models": [model.entry for model in models],
        "threads": list(threads),
        "latency": latency,
        "memory": memory,
        "energy": energy,
        "day_profile": day_profile,
        "gate": GATE,
    }
    work = json.dumps([serial, content], sort_keys=True)
    content["job_id"] = hashlib.sha256(work.encode()).hexdigest()[:16]
    jsonschema.Draft202012Validator(SCHEMA).validate(content)
    files = {sha256: path for model in models for sha256, path in model.files.items()}
    return Job(json.dumps(content, indent=1, sort_keys=True) + "\n", files, content)


def bundle_model(bundle: Bundle, precision: str) -> JobModel:
    """A bundle's model with its vectors and manifest."""
    paths = {
        "manifest": bundle.path / MANIFEST,
        "model": bundle.path / MODEL_FILES[precision],
        "vectors": bundle.path / VECTORS,
    }
    sums = {part: sha256_file(path) for part, path in paths.items()}
    entry: dict[str, Any] = {
        "key": f"{bundle.name}-{precision}",
        "kind": "bundle",
        "precision": precision,
        "name": bundle.name,
        **{part: _file(sha256) for part, sha256 in sums.items()},
    }
    return JobModel(entry, {sums[part]: path for part, path in paths.items()})


def piece_model(
    key: str, precision: str, program: Path, clip_samples: int, runtime_version: str
) -> JobModel:
    """A program without vectors that takes one clip."""
    sha256 = sha256_file(program)
    entry = {
        "key": key,
        "kind": "piece",
        "precision": precision,
        "model": _file(sha256),
        "input_shape": [1, clip_samples],
        "runtime_version": runtime_version,
    }
    return JobModel(entry, {sha256: program})


def check_runtime(what: str, needed: str, runner: RunnerPackage) -> None:
    """Refuse a runner whose ExecuTorch is older than the one a model was lowered for.

    Raises:
        UserError: naming both.
    """
    if is_older(runner.runtime_version, needed):
        raise UserError(
            f"{what}: lowered for executorch {needed}, the runner has the older"
            f" {runner.runtime_version}; update executorch-android in android_runner/ and"
            " `make runner`"
        )


def _file(sha256: str) -> dict[str, str]:
    return {"path": f"{_FILES_FROM_JOB}/{sha256}", "sha256": sha256}
