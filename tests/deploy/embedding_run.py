"""The run folder of an embedding, written without training or lowering anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from deploy.bundle import DEFAULT_BUNDLE
from deploy.bundle import SCHEMA as MANIFEST_SCHEMA
from deploy.measurement import write_measurement
from deploy.probe_file import SCHEMA as PROBE_SCHEMA
from search_spaces.files import read_json, sha256_file, write_json
from search_spaces.frontier import write_frontier
from search_spaces.metrics import Estimate
from search_spaces.spaces import get_space
from search_spaces.task_embedding import TeacherTask
from tests.deploy.run_folder import SHA256, make_frontier, make_nets, make_point, measurement
from tests.search_spaces.synthetic_device import synthetic_table

SPACE = get_space("sam-nano")
TASK = TeacherTask(4)
TEACHER_SHA256 = "7" * 64
LABELS = """recording,use,label,speaker
annie/1.wav,train,,annie
bobby/1.wav,train,,bobby
cyril/1.wav,validation,,cyril
"""
RECORD = {
    "recordings": 4,
    "skipped_recordings": 1,
    "hours": 0.25,
    "speakers": 4,
    "split": {"train": 2, "validation": 1, "test": 1},
    "test_by_speaker": True,
    "seed": 1,
    "training_clips": 90,
    "labels": "none",
    "teacher_sha256": TEACHER_SHA256,
    "teacher_layer": None,
    "teacher_bytes": 1_100_000,
    "proximity_s": None,
    "steps": 6000,
}


def write_embedding_run(run: Path) -> list[str]:
    """Write every file; returns the winners' names, best first. The second is not measured."""
    rng = np.random.default_rng(0)
    table, outputs = synthetic_table(SPACE), len(TASK.outputs)
    points = [make_point(net, table, error, outputs) for net, error in make_nets(12, rng)]
    winners = points[::6]
    for winner in winners:
        judged = Estimate(winner["ranking_error"], 0.05, 0.4, 60)
        winner["distance"] = judged.to_json()
        winner["cosine_distance"] = judged.to_json()
        winner["weights"] = {"file": f"weights/{winner['name']}.pt", "sha256": SHA256}
    names = [winner["name"] for winner in sorted(winners, key=lambda x: x["ranking_error"])]
    frontier = make_frontier(points, winners, names[0])
    del frontier["levels"]
    write_frontier(run / "search" / "frontier.json", {**frontier, "task": TASK.to_json()})
    (run / "train").mkdir(parents=True)
    (run / "train" / "labels.csv").write_text(LABELS)
    bundles = [write_bundle(run / "bundles" / name) for name in names]
    for precision in ("fp32", "int8"):
        path = run / "measurements" / f"{names[0]}-{precision}.json"
        write_measurement(path, measurement(names[0], precision, rng))
    write_json(run / "probe" / "probe.json", probe_value(bundles), PROBE_SCHEMA)
    return names


def write_bundle(path: Path) -> Path:
    """A bundle whose models are a few bytes, which is enough to report it."""
    manifest = read_json(DEFAULT_BUNDLE / "manifest.json", MANIFEST_SCHEMA)
    path.mkdir(parents=True)
    files = {}
    for name in ("model.pte", "model_int8.pte", "vectors.bin", "README.md"):
        (path / name).write_text(f"{name} of {path.name}" * 100)
        size = (path / name).stat().st_size
        files[name] = {"bytes": size, "sha256": sha256_file(path / name)}
    for precision, distance in (("fp32", 0.31), ("int8", 0.33)):
        held = manifest["precisions"][precision]
        estimate = Estimate(distance, distance - 0.02, distance + 0.03, 400).to_json()
        held["validation"] = {"distance": estimate, "cosine_distance": estimate}
    manifest |= {
        "name": path.name,
        "int8_drop_points": 2.0,
        "files": files,
        "task": TASK.to_json(),
        "outputs": list(TASK.outputs),
        "training": {"record": RECORD, "reason": None},
    }
    del manifest["levels"]
    write_json(path / "manifest.json", manifest, MANIFEST_SCHEMA)
    return path


def probe_value(bundles: list[Path]) -> dict[str, Any]:
    """A teacher that is right 9 of 10 times, and its students, each a little worse."""
    return {
        "schema_version": 1,
        "created": "2026-11-22T05:00:00+00:00",
        "device": {"name": "a core, 2 cores", "os": "Linux 6.1"},
        "speaker_normalised": False,
        "sets": [
            {
                "name": name,
                "recordings": 200,
                "classes": 10,
                "speakers": 4,
                "folds": folds,
                "tested": tested,
            }
            for name, folds, tested in (
                ("digits", 4, "on new speakers, 4 folds"),
                ("reader", 5, "on other recordings, 5 folds (the label tells the speaker)"),
            )
        ],
        "models": [
            _model("teacher", "teacher", "fp32", TEACHER_SHA256, 1_000_000, 0.9, 8.0),
            *(
                _model(
                    path.name,
                    "student",
                    "int8",
                    sha256_file(path / "model_int8.pte"),
                    100_000,
                    0.85 - 0.05 * at,
                    0.5,
                )
                for at, path in enumerate(bundles)
            ),
        ],
    }


def _model(
    name: str, role: str, form: str, sha256: str, size: int, accuracy: float, ms: float
) -> dict[str, Any]:
    estimate = Estimate(accuracy, accuracy - 0.04, accuracy + 0.03, 200).to_json()
    return {
        "name": name,
        "role": role,
        "form": form,
        "sha256": sha256,
        "bytes": size,
        "dimensions": TASK.dimensions,
        "clip_samples": 16_000,
        "accuracy": {of: {"logistic": estimate, "lda": estimate} for of in ("digits", "reader")},
        "mean_accuracy": {"logistic": accuracy, "lda": accuracy},
        "ms_per_second": ms,
    }
