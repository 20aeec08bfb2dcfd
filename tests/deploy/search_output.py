"""What a search leaves behind, made without training: a frontier with one small winner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from search_spaces.architecture import smallest
from search_spaces.batch_norm import recalibrate_batch_norm
from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.clips_file import Clips, to_float32, to_int16, write_clips
from search_spaces.cost import costs
from search_spaces.files import sha256_file
from search_spaces.frontier import save_weights, write_frontier
from search_spaces.spaces import get_space
from search_spaces.supernet import build_subnet, build_supernet
from search_spaces.supernet_file import write_supernet

SPACE = "sam-nano"
VALIDATION_CLIPS = 22


def make_clips(seed: int = 0) -> Clips:
    """Chords of up to ten broken tones in faint noise."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(CLIP_SAMPLES) / SAMPLE_RATE_HZ

    def chord(count: int) -> np.ndarray:
        waveform = 1e-3 * rng.standard_normal(CLIP_SAMPLES)
        for _ in range(count):
            spoken = (rng.random(100) < 0.6).repeat(CLIP_SAMPLES // 100)
            waveform += 0.05 * spoken * np.sin(2 * np.pi * rng.uniform(100, 1000) * time_s)
        return to_int16(waveform)

    counts = np.arange(VALIDATION_CLIPS, dtype=np.int64) % 11
    return Clips(
        validation_waveform=np.stack([chord(int(count)) for count in counts]),
        validation_lo=counts,
        validation_hi=counts,
        validation_original=np.arange(VALIDATION_CLIPS) < 11,
        calibration_waveform=np.stack([chord(count) for count in (1, 3, 6, 10)]),
    )


def write_search_output(folder: Path) -> Path:
    """Write supernet.pt, clips.npz, weights/ and frontier.json; return the last."""
    space = get_space(SPACE)
    clips = make_clips()
    write_clips(folder / "clips.npz", clips)
    write_supernet(folder / "supernet.pt", build_supernet(space), {"seed": 7, "labelled_clips": 40})
    architecture = smallest(space)
    net = build_subnet(architecture)
    recalibrate_batch_norm(net, [torch.from_numpy(to_float32(clips.calibration_waveform))])
    name = f"net-{architecture.digest}"
    weights = f"weights/{name}.pt"
    sha256 = save_weights(folder / weights, architecture, net, 11)
    cost = costs(architecture)
    estimate = {"value": 0.1, "low": 0.05, "high": 0.2, "clips": 11}
    point: dict[str, Any] = {
        "name": name,
        "choices": dict(architecture.choices),
        "ranking_error": 0.1,
        "params": cost.params,
        "macs": cost.macs,
        "frontend_macs": cost.frontend_macs,
        "peak_activation_bytes": cost.peak_activation_bytes,
        "predicted_latency_ms": {"fp32": 0.5, "int8": 0.4},
        "predicted_energy_mj": None,
        "predicted_energy_reason": "no meter on this host",
    }
    winner = {
        **point,
        "level_error": estimate,
        "mae": estimate,
        "exact_accuracy": estimate,
        "weights": {"file": weights, "sha256": sha256},
    }

    def recorded(file: str) -> dict[str, str]:
        return {"path": str(folder / file), "sha256": sha256_file(folder / file)}

    frontier = {
        "created": "2026-11-21T08:00:00+00:00",
        "seed": 3,
        "space": {"name": space.name, "version": space.version},
        "levels": {"edges": [1, 2, 5], "names": ["none", "one", "some", "active"]},
        "budget": {
            "precision": "int8",
            "max_latency_ms": None,
            "max_params": 20_000,
            "max_macs": None,
            "max_energy_mj": None,
        },
        "inputs": {
            "checkpoint": recorded("supernet.pt"),
            "clips": recorded("clips.npz"),
            "cost_table": None,
        },
        "objectives": ["ranking_error", "latency_ms"],
        "search": {
            "algorithm": "nsga2",
            "population": 2,
            "generations": 1,
            "evaluations": 2,
            "seconds": 1.0,
            "ranking_clips": 22,
            "calibration_clips": 4,
        },
        "best": name,
        "winners": [winner],
        "points": [point],
    }
    write_frontier(folder / "frontier.json", frontier)
    return folder / "frontier.json"
