"""A runner that measures nothing: made-up figures at once, and the faults that a real one has."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

NOT_TOLD = {"value": None, "reason": "this phone does not tell"}
SAMPLES = 210


def told(value: Any) -> dict[str, Any]:
    return {"value": value, "reason": None}


def scripted_result(
    job_bytes: bytes,
    finished_models: int | None = None,
    samples: int = SAMPLES,
    failing: str | None = None,
) -> dict[str, Any]:
    """The result of a job of which so many models are done (None: all).

    Models of precision ``failing`` do not pass their vectors.
    """
    job = json.loads(job_bytes)
    models = [_model(job, model, samples) for model in job["models"][:finished_models]]
    for model in models:
        if model["precision"] == failing:
            message = "differs from its vectors by 0.3, allowed 0.1"
            error = {"code": "vectors_differ", "message": message}
            model |= {"status": "failed", "error": error, "latency": []}
    return {
        "schema_version": 1,
        "job_id": job["job_id"],
        "job_sha256": hashlib.sha256(job_bytes).hexdigest(),
        "complete": finished_models is None,
        "started": "2026-11-21T11:00:00Z",
        "finished": datetime.now(UTC).isoformat(),
        "error": None,
        "runner": {"version": "0.1.0", "version_code": 1},
        "engine": {"name": "executorch", "version": "1.4.1", "backends": ["XnnpackBackend"]},
        "device": device(),
        "models": models,
    }


def write_result(path: Path, result: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(result), encoding="utf-8")
    temporary.replace(path)


def device() -> dict[str, Any]:
    """As in the result, and in the file that the JVM's main reads."""
    return {
        "manufacturer": "Test",
        "model": "Loopback 1",
        "codename": "loopback",
        "soc": told("TS1"),
        "fingerprint": "test/loopback/1:14/X/1:user/release-keys",
        "android_release": "14",
        "sdk_int": 34,
        "security_patch": told("2026-11-01"),
        "abis": ["arm64-v8a"],
        "cores": 8,
        "memory_bytes": 8_000_000_000,
        "cpu_clusters": [
            {
                "cpus": [0, 1, 2, 3],
                "class": "little",
                "max_khz": told(1_800_000),
                "governor": told("schedutil"),
            },
            {
                "cpus": [4, 5, 6, 7],
                "class": "big",
                "max_khz": told(2_800_000),
                "governor": told("schedutil"),
            },
        ],
        "cpuset": told("/foreground"),
        "allowed_cpus": list(range(8)),
    }


def _model(job: dict[str, Any], model: dict[str, Any], samples: int) -> dict[str, Any]:
    bundle = model["kind"] == "bundle"
    memory = {
        "pss_before_bytes": told(50_000_000),
        "pss_peak_bytes": told(53_000_000),
        "native_heap_before_bytes": told(9_000_000),
        "native_heap_peak_bytes": told(11_000_000),
        "runs": 5,
        "method": "Debug.MemoryInfo",
    }
    vectors = {"count": 5, "max_difference": 1e-6, "tolerance": 1e-3, "passed": True}
    return {
        "key": model["key"],
        "kind": model["kind"],
        "precision": model["precision"],
        "name": model["name"] if bundle else model["key"],
        "model_sha256": model["model"]["sha256"],
        "manifest_sha256": model["manifest"]["sha256"] if bundle else None,
        "status": "ok",
        "error": None,
        "vectors": vectors if bundle else None,
        "latency": [_latency(threads, samples) for threads in job["threads"]],
        "memory": memory if job["memory"] else None,
        "energy": _no_energy() if job["energy"] else None,
        "day_profile": None,
    }


def _latency(threads: int, samples: int) -> dict[str, Any]:
    values = [round(4 / threads + 0.001 * (i % 7), 6) for i in range(samples)]
    p50, p90, p99 = map(float, np.percentile(values, (50, 90, 99)))
    halves = (values[: samples // 2], values[samples // 2 :])
    return {
        "threads": threads,
        "p50_ms": p50,
        "p90_ms": p90,
        "p99_ms": p99,
        "drift_ratio": 1.0,
        "repeats": [_repeat(half) for half in halves],
    }


def _repeat(values: list[float]) -> dict[str, Any]:
    return {
        "load_ms": 12.5,
        "first_inference_ms": 9.0,
        "warm_up_runs": 20,
        "warm_up_stable": True,
        "samples_ms": values,
        "seconds": 30.0,
        "before": conditions(),
        "after": conditions(),
        "gate": {"waited_seconds": 0.0, "timed_out": False, "reason": None},
        "ran_on": {"cpus": [4, 5], "classes": ["big"], "samples": 40, "reason": None},
    }


def conditions() -> dict[str, Any]:
    return {
        "elapsed_ms": 100.0,
        "battery_temperature_c": told(30.0),
        "battery_percent": told(80),
        "voltage_mv": told(4100),
        "plugged": "usb",
        "charging": told(True),
        "thermal_status": told("none"),
        "thermal_headroom": told(0.3),
        "screen_on": told(True),
        "power_save": told(False),
        "cpu_khz": [told(1_800_000), NOT_TOLD],
    }


def _no_energy() -> dict[str, Any]:
    return {
        "value_mj": None,
        "low_mj": None,
        "high_mj": None,
        "reason": "charging by usb",
        "method": None,
        "meter": None,
        "resolution_mj": None,
        "threads": 1,
        "repeats": [],
        "readings": [],
    }
