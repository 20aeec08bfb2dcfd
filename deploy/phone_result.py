"""What the runner measured, and the `measurement.json` of each model and number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from deploy.measurement import figure, latency_summary
from search_spaces.files import load_schema, read_json

SCHEMA = load_schema(Path(__file__).parent / "schemas", "phone_result")
METHOD = (
    "timed on the phone around the runtime's call, batch 1, in repeats that load the model anew"
    " after the phone cooled down"
)
NOT_ASKED = "the job did not ask for it"
_RESIDENT_REASON = "a phone tells the proportional set (memory.peak_pss_bytes)"
_HOST_ONLY = {"reason": "is measured on a host only"}
# Worst last, as Android's PowerManager orders them.
THERMAL_STATUS = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")


def read_result(path: Path) -> dict[str, Any]:
    """Read and validate a result.

    Raises:
        UserError: missing, not JSON, or a field against the schema.
    """
    return read_json(path, SCHEMA)


def failures(result: dict[str, Any]) -> Iterator[str]:
    """One line for each model that failed."""
    for model in result["models"]:
        if model["status"] == "failed":
            yield f"{model['name']} {model['precision']}: {model['error']['message']}"


def measurements(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A measurement, as its schema has it, for each bundle that passed and number of threads."""
    for model in result["models"]:
        if model["kind"] == "bundle" and model["status"] == "ok":
            for latency in model["latency"]:
                yield _measurement(result, model, latency)


def clip_energies_mj(result: dict[str, Any]) -> dict[tuple[str, str, int], list[float]]:
    """What each repeat that counts says a clip takes, by net, precision and threads."""
    return {
        (model["name"], model["precision"], energy["threads"]): [
            repeat["per_clip_mj"] for repeat in energy["repeats"] if repeat["used"]
        ]
        for model in result["models"]
        if (energy := model["energy"]) is not None and energy["value_mj"] is not None
    }


def samples_ms(latency: dict[str, Any]) -> list[float]:
    """Every run of every repeat, in order."""
    return [sample for repeat in latency["repeats"] for sample in repeat["samples_ms"]]


def _measurement(
    result: dict[str, Any], model: dict[str, Any], latency: dict[str, Any]
) -> dict[str, Any]:
    repeats, engine, runner = latency["repeats"], result["engine"], result["runner"]
    samples = samples_ms(latency)
    first, last = repeats[0]["before"], repeats[-1]["after"]
    return {
        "created": result["finished"],
        "bundle": {
            "name": model["name"],
            "precision": model["precision"],
            "model_sha256": model["model_sha256"],
            "manifest_sha256": model["manifest_sha256"],
        },
        "device": _device(result["device"]),
        "build": {
            "runtime": f"{engine['name']} {engine['version']}",
            "backend": ", ".join(engine["backends"]),
            "kit": f"runner {runner['version']} ({runner['version_code']})",
        },
        "threads": latency["threads"],
        "conditions": {
            "governor": _governor(result["device"]["cpu_clusters"]),
            "temperature_before_c": first["battery_temperature_c"],
            "temperature_after_c": last["battery_temperature_c"],
            "charging": first["charging"],
            "power_save": first["power_save"],
            "heat": _heat(repeats),
        },
        "method": {
            "description": METHOD,
            "warm_up_runs": sum(repeat["warm_up_runs"] for repeat in repeats),
            "warm_up_stable": all(repeat["warm_up_stable"] for repeat in repeats),
            "runs": len(samples),
        },
        "latency_ms": latency_summary(samples),
        "load_ms": figure(median(repeat["load_ms"] for repeat in repeats)),
        "first_inference_ms": figure(median(repeat["first_inference_ms"] for repeat in repeats)),
        "frontend": _HOST_ONLY,
        "eager": _HOST_ONLY,
        "throughput": _HOST_ONLY,
        "memory": _memory(model["memory"]),
        "energy": _energy(model["energy"], latency["threads"]),
        "vectors": {key: model["vectors"][key] for key in ("count", "max_difference", "tolerance")},
        "phone": {
            "job_id": result["job_id"],
            "device": result["device"],
            "drift_ratio": latency["drift_ratio"],
            "repeats": [
                {"runs": len(repeat["samples_ms"])}
                | {key: value for key, value in repeat.items() if key != "samples_ms"}
                for repeat in repeats
            ],
            "day_profile": model["day_profile"],
        },
    }


def _device(device: dict[str, Any]) -> dict[str, Any]:
    chip = device["soc"]["value"]
    return {
        "name": f"{device['manufacturer']} {device['model']}",
        "cpu": f"{chip} ({device['abis'][0]})" if chip else device["abis"][0],
        "cores": device["cores"],
        "memory_bytes": device["memory_bytes"],
        "os": f"Android {device['android_release']} (API {device['sdk_int']})"
        f" {device['fingerprint']}",
    }


def _governor(clusters: list[dict[str, Any]]) -> dict[str, Any]:
    """Of all clusters, or the first one's reason where none tells."""
    told = [cluster["governor"]["value"] for cluster in clusters]
    if not any(told):
        reasons = [cluster["governor"]["reason"] for cluster in clusters]
        return figure(None, next(iter(reasons), "the phone does not show its cores' clusters"))
    return figure(", ".join(name or "unknown" for name in dict.fromkeys(told)))


def _heat(repeats: list[dict[str, Any]]) -> dict[str, Any]:
    """The worst that was seen, and whether the phone failed to cool down before a repeat."""
    seen = [repeat[moment] for repeat in repeats for moment in ("before", "after")]
    statuses = [told for state in seen if (told := state["thermal_status"]["value"]) is not None]
    headrooms = [told for state in seen if (told := state["thermal_headroom"]["value"]) is not None]
    untold = seen[0]
    return {
        "gate_timed_out": any(repeat["gate"]["timed_out"] for repeat in repeats),
        "worst_thermal_status": figure(
            max(statuses, key=THERMAL_STATUS.index, default=None),
            untold["thermal_status"]["reason"],
        ),
        "highest_thermal_headroom": figure(
            max(headrooms, default=None), untold["thermal_headroom"]["reason"]
        ),
    }


def _memory(memory: dict[str, Any] | None) -> dict[str, Any]:
    if memory is None:
        return {
            "peak_rss_bytes": figure(None, NOT_ASKED),
            "model_bytes": figure(None, NOT_ASKED),
            "method": NOT_ASKED,
        }
    return {
        "peak_rss_bytes": figure(None, _RESIDENT_REASON),
        "model_bytes": _growth(memory["pss_before_bytes"], memory["pss_peak_bytes"]),
        "method": memory["method"],
        "peak_pss_bytes": memory["pss_peak_bytes"],
        "peak_native_heap_bytes": memory["native_heap_peak_bytes"],
    }


def _growth(before: dict[str, Any], peak: dict[str, Any]) -> dict[str, Any]:
    if before["value"] is None or peak["value"] is None:
        return figure(None, before["reason"] or peak["reason"])
    return figure(max(peak["value"] - before["value"], 0))


def _energy(energy: dict[str, Any] | None, threads: int) -> dict[str, Any]:
    if energy is None:
        return {"value_mj": None, "method": None, "reason": NOT_ASKED}
    if energy["value_mj"] is not None and energy["threads"] != threads:
        reason = f"was measured with {energy['threads']} threads only"
        return {"value_mj": None, "method": None, "reason": reason}
    return {key: energy[key] for key in ("value_mj", "low_mj", "high_mj", "method", "reason")} | {
        "meter": energy["meter"]
    }
