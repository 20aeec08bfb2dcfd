"""A phone's measurements as a Weights & Biases run, written offline; `wandb sync` uploads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROJECT = "ersam-kit"


def log_measurements(folder: Path, phone: str, measurements: Sequence[dict[str, Any]]) -> Path:
    """Write a run into ``folder``/wandb and return the run's folder.

    Args:
        folder: it needs neither account nor network.
        phone: name of the run.
        measurements: of one phone.
    """
    import wandb

    config = {
        "device": measurements[0]["device"],
        "build": measurements[0]["build"],
        "bundles": [measurement["bundle"] for measurement in measurements],
    }
    settings = wandb.Settings(silent=True)
    with wandb.init(
        project=PROJECT,
        name=phone,
        job_type="phone",
        mode="offline",
        dir=str(folder),
        config=config,
        settings=settings,
    ) as run:
        for measurement in measurements:
            title = (
                f"{measurement['bundle']['name']}-{measurement['bundle']['precision']}"
                f"-{measurement['threads']}t"
            )
            run.summary.update({f"{title}/{name}": value for name, value in _figures(measurement)})
            for sample_ms in measurement["latency_ms"]["samples"]:
                run.log({f"{title}/latency_ms": sample_ms})
        return Path(run.dir).parent


def _figures(measurement: dict[str, Any]) -> list[tuple[str, float]]:
    """What has a value; what has none is left out, for a chart has no place for a reason."""
    latency = measurement["latency_ms"]
    figures = {
        **{f"{name}_ms": latency[name] for name in ("p50", "p90", "p99")},
        "load_ms": measurement["load_ms"]["value"],
        "peak_pss_bytes": measurement["memory"].get("peak_pss_bytes", {"value": None})["value"],
        "energy_mj": measurement["energy"]["value_mj"],
        "max_difference": measurement["vectors"]["max_difference"],
    }
    return [(name, value) for name, value in figures.items() if value is not None]
