"""A run folder as the stages would leave it, written by their own writers in a second."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from deploy.evaluation import SCHEMA as EVALUATION_SCHEMA
from deploy.evaluation import make_evaluation
from deploy.labelled_clips import LabelledClip
from deploy.measurement import figure, latency_summary, write_measurement
from lightning_modules.labels import Label, write_labels
from search_spaces.ambiance import AmbianceLevels
from search_spaces.architecture import Architecture, random_architecture
from search_spaces.clip import NUM_COUNTS
from search_spaces.cost import costs
from search_spaces.cost_table import CostTable, write_cost_table
from search_spaces.files import write_json
from search_spaces.frontier import write_frontier
from search_spaces.metrics import Estimate
from search_spaces.spaces import get_space
from tests.search_spaces.synthetic_device import synthetic_table

SPACE = get_space("sam-nano")
SHA256 = "0" * 64
VERSIONS = {"ersam-kit": "0.1.0", "torch": "2.13.0", "executorch": "1.4.1"}


def write_run(run: Path, test_clips: int = 220) -> list[str]:
    """Write every file but the bundles; returns the winners' names, best first."""
    rng = np.random.default_rng(0)
    table = synthetic_table(SPACE)
    write_cost_table(run / "cost_table.json", table)
    nets = make_nets(12, rng)
    points = [make_point(net, table, error) for net, error in nets]
    winners = points[::6]
    for winner in winners:
        winner["level_error"] = Estimate(0.08, 0.04, 0.13, 60).to_json()
        winner["mae"] = Estimate(0.5, 0.4, 0.6, 60).to_json()
        winner["exact_accuracy"] = Estimate(0.6, 0.5, 0.7, 60).to_json()
        winner["weights"] = {"file": f"weights/{winner['name']}.pt", "sha256": SHA256}
    names = [winner["name"] for winner in sorted(winners, key=lambda x: x["ranking_error"])]
    write_frontier(run / "search" / "frontier.json", make_frontier(points, winners, names[0]))
    write_labels(run / "train" / "labels.csv", _labels(rng, 100))
    for name in names:
        for precision in ("fp32", "int8"):
            path = run / "evaluations" / f"{name}-{precision}.json"
            write_json(path, evaluation(name, precision, test_clips, rng), EVALUATION_SCHEMA)
            path = run / "measurements" / path.name
            write_measurement(path, measurement(name, precision, rng))
    _write_commands(run)
    return names


def write_tuned(run: Path, name: str = "net-tuned") -> str:
    """Add a winner that was trained on alone; returns its name."""
    frontier = json.loads((run / "search" / "frontier.json").read_text(encoding="utf-8"))
    winner = {**frontier["winners"][0], "name": name}
    points = [{**frontier["points"][0], "name": name}]
    write_json(
        run / "tune" / "frontier.json",
        {**frontier, "best": name, "winners": [winner], "points": points},
    )
    rng = np.random.default_rng(1)
    for precision in ("fp32", "int8"):
        path = run / "evaluations" / f"{name}-{precision}.json"
        write_json(path, evaluation(name, precision, 22, rng), EVALUATION_SCHEMA)
        write_measurement(run / "measurements" / path.name, measurement(name, precision, rng))
    return name


def evaluation(name: str, precision: str, clips: int, rng: np.random.Generator) -> dict[str, Any]:
    """An evaluation of a net that is mostly right, and less so where noise is loud."""
    counts = np.arange(clips) % 11
    snr_db = rng.uniform(0, 30, clips)
    spread = rng.normal(0, 0.35 + 0.05 * counts + 6 / (5 + snr_db))
    said = np.clip(np.rint(counts + spread), 0, 10)
    logits = -((np.arange(11) - said[:, None]) ** 2) / rng.uniform(0.4, 2.5, (clips, 1))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labelled = [
        LabelledClip(
            Path("x"), "x", int(count), float(snr), float(rng.uniform(0.15, 0.75)), "rooms"
        )
        for count, snr in zip(counts, snr_db, strict=True)
    ]
    origin = {
        "bundle": {
            "name": name,
            "precision": precision,
            "manifest_sha256": SHA256,
            "runtime": {"name": "executorch", "version": "1.4.1"},
        },
        "clips": {"number": clips, "sha256": SHA256},
    }
    dbfs = rng.uniform(-55, -5, clips)
    return make_evaluation(labelled, probabilities, dbfs, AmbianceLevels(), origin, False, 1.0)


def measurement(name: str, precision: str, rng: np.random.Generator) -> dict[str, Any]:
    """A measurement with a long tail; its memory could not be measured."""

    def latency(fastest_ms: float) -> dict[str, Any]:
        return latency_summary((fastest_ms + rng.gamma(2.0, 0.03, 200)).tolist())

    return {
        "created": "2026-11-21T08:30:00+00:00",
        "bundle": {
            "name": name,
            "precision": precision,
            "model_sha256": SHA256,
            "manifest_sha256": SHA256,
        },
        "device": {
            "name": "synthetic",  # as the cost table's, or it would not be compared
            "cpu": "a core",
            "cores": 2,
            "memory_bytes": 8 << 30,
            "os": "Linux 6.1",
        },
        "build": {"runtime": "executorch 1.4.1+cpu", "backend": "XnnpackBackend", "kit": "0.1.0"},
        "threads": 1,
        "conditions": {
            "governor": figure(None, "not readable"),
            "temperature_before_c": figure(None, "no sensor"),
            "temperature_after_c": figure(None, "no sensor"),
            "charging": figure(None, "no battery"),
        },
        "method": {
            "description": "drawn from a distribution",
            "warm_up_runs": 20,
            "warm_up_stable": True,
            "runs": 200,
        },
        "latency_ms": latency(1.2 if precision == "fp32" else 0.8),
        "load_ms": figure(3.2),
        "first_inference_ms": figure(5.1),
        "frontend": {"latency_ms": latency(0.3), "share": 0.31},
        "eager": {"latency_ms": latency(4.0), "threads": 1, "speedup": 3.2},
        "throughput": {
            "macs": 20_000_000,
            "macs_per_s": 1.6e10,
            "attainable_macs_per_s": 4e10,
            "attainable_method": "one large product",
            "share": 0.4,
        },
        "memory": {
            "peak_rss_bytes": figure(180e6),
            "model_bytes": figure(None, "no /proc on this system"),
            "method": "fresh process",
        },
        "energy": {"value_mj": None, "method": None, "reason": "no energy meter on this host"},
        "vectors": {"count": 4, "max_difference": 1e-6, "tolerance": 1e-3},
    }


def make_nets(number: int, rng: np.random.Generator) -> list[tuple[Architecture, float]]:
    """Architectures from small to large, with an error that falls with their size."""
    drawn = {net.digest: net for net in (random_architecture(SPACE, rng) for _ in range(number))}
    ordered = sorted(drawn.values(), key=lambda net: costs(net).macs)
    return [(net, 0.25 / (1 + at) + 0.04) for at, net in enumerate(ordered)]


def make_point(
    net: Architecture, table: CostTable, error: float, outputs: int = NUM_COUNTS
) -> dict[str, Any]:
    cost = costs(net, outputs)
    return {
        "name": f"net-{net.digest}",
        "choices": dict(net.choices),
        "ranking_error": error,
        "params": cost.params,
        "macs": cost.macs,
        "frontend_macs": cost.frontend_macs,
        "peak_activation_bytes": cost.peak_activation_bytes,
        "predicted_latency_ms": {p: table.latency_ms(net, p) for p in ("fp32", "int8")},
        "predicted_energy_mj": None,
        "predicted_energy_reason": "no meter on this host",
    }


def make_frontier(
    points: list[dict[str, Any]], winners: list[dict[str, Any]], best: str
) -> dict[str, Any]:
    own = {"level_error", "mae", "exact_accuracy", "distance", "cosine_distance", "weights"}
    return {
        "created": "2026-11-21T08:00:00+00:00",
        "seed": 0,
        "space": {"name": SPACE.name, "version": SPACE.version},
        "levels": {"edges": [1, 2, 5], "names": ["none", "one", "some", "active"]},
        "budget": {
            "precision": "int8",
            "max_latency_ms": None,
            "max_params": 20_000,
            "max_macs": None,
            "max_energy_mj": None,
        },
        "inputs": {
            name: {"path": name, "sha256": SHA256} for name in ("checkpoint", "clips", "cost_table")
        },
        "objectives": ["ranking_error", "latency_ms"],
        "search": {
            "algorithm": "nsga2",
            "population": 16,
            "generations": 3,
            "evaluations": 48,
            "seconds": 31.5,
            "ranking_clips": 64,
            "calibration_clips": 16,
        },
        "best": best,
        "winners": winners,
        "points": [{k: v for k, v in point.items() if k not in own} for point in points],
    }


def _labels(rng: np.random.Generator, number: int) -> list[Label]:
    labels = []
    for index in range(number):
        use = "validation" if index % 5 == 0 else "train"
        count = int(rng.integers(0, 11))
        labels.append(Label(f"{use}-{index}", use, "rooms", 0, index, count, count, "generator"))
    return [*labels, Label("train-900", "train", "rooms", 0, 900, 2, 4, "a listener")]


def _write_commands(run: Path) -> None:
    stages = {"fit": ("lightning_modules", "fit"), "search": ("search_spaces", "search")}
    lines = [
        {
            "stage": stage,
            "label": "",
            "argv": ["python", "-m", *arguments, "--out", f"{run}/a folder"],
            "started": "2026-11-21T07:00:00+00:00",
            "seconds": 61.2,
            "versions": VERSIONS,
            "exit_code": 0,
        }
        for stage, arguments in stages.items()
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run / "commands.jsonl").write_text(text, encoding="utf-8")
