"""Measurements of a host or a phone as runs of Weights & Biases: samples, histograms, artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploy.bundle import Bundle
from deploy.wandb_bundle import bundle_artifact
from search_spaces.wandb_artifacts import json_bytes, new_artifact, use_artifact
from search_spaces.wandb_options import WandbOptions
from search_spaces.wandb_run import present, wandb_run

SAMPLES, LATENCIES = "latency/sample_ms", "latency/histogram_ms"
ENERGY, ENERGIES = "energy/clip_mj", "energy/histogram_mj"
NO_ENERGIES: Mapping[tuple[str, str, int], Sequence[float]] = {}


def log_measurements(
    options: WandbOptions,
    job_type: str,
    measurements: Iterable[Mapping[str, Any]],
    bundles: Iterable[Bundle],
    energies_mj: Mapping[tuple[str, str, int], Sequence[float]] = NO_ENERGIES,
) -> None:
    """Write a run for each measurement.

    Args:
        options: of the command.
        job_type: name of the command.
        measurements: as their schema has them.
        bundles: that were measured.
        energies_mj: of one clip in each repeat, by net, precision and threads, where a meter tells.

    Raises:
        UserError: see `search_spaces.wandb_run.wandb_run`.
    """
    import wandb

    known = {bundle.name: bundle for bundle in bundles}
    for measurement in measurements:
        measured = measurement["bundle"]
        title = f"{measured['name']}-{measured['precision']}-{measurement['threads']}t"
        config = {
            **{key: measurement[key] for key in ("device", "build", "threads", "conditions")},
            "net": measured["name"],
            "precision": measured["precision"],
            "energy_reason": measurement["energy"]["reason"],
        }
        artifact = new_artifact(
            f"measurement-{title}",
            "measurement",
            {"measurement.json": json_bytes(measurement)},
            figures(measurement),
        )
        with wandb_run(
            options, job_type, f"{title} {measurement['device']['name']}", config
        ) as run:
            use_artifact(run, bundle_artifact(known[measured["name"]], options.include))
            for sample_ms in measurement["latency_ms"]["samples"]:
                run.log({SAMPLES: sample_ms})
            last = {LATENCIES: wandb.Histogram(measurement["latency_ms"]["samples"])}
            told = energies_mj.get(
                (measured["name"], measured["precision"], measurement["threads"])
            )
            if told:
                last[ENERGIES] = wandb.Histogram(told)
            run.log({**last, **figures(measurement)})
            run.log_artifact(artifact)


def figures(measurement: Mapping[str, Any]) -> dict[str, float]:
    """What has a value, by W&B's key."""
    latency, energy = measurement["latency_ms"], measurement["energy"]
    memory = measurement["memory"]
    return present(
        {
            **{f"latency/{name}_ms": latency[name] for name in ("p50", "p90", "p99")},
            "latency/load_ms": measurement["load_ms"]["value"],
            "latency/first_inference_ms": measurement["first_inference_ms"]["value"],
            "memory/peak_rss_bytes": memory["peak_rss_bytes"]["value"],
            "memory/peak_pss_bytes": memory.get("peak_pss_bytes", {"value": None})["value"],
            ENERGY: energy["value_mj"],
            "energy/clip_low_mj": energy.get("low_mj"),
            "energy/clip_high_mj": energy.get("high_mj"),
            "vectors/max_difference": measurement["vectors"]["max_difference"],
        }
    )
