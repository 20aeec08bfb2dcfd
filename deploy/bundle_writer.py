"""Write a bundle so that there is the whole one or none."""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from deploy.bundle import (
    MANIFEST,
    MODEL_CARD,
    MODEL_FILES,
    SCHEMA,
    SCHEMA_VERSION,
    VECTORS,
)
from deploy.check_clips import VECTOR_CLIPS, vector_gains
from deploy.engine import BACKEND, RUNTIME_NAME, Engine, runtime_version
from deploy.lowering import LoweredModel, LoweredNet
from deploy.model_card import model_card
from deploy.quantize import FP32_MODULES
from deploy.vectors import VERSION, Vectors, write_vectors
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.clips_file import Clips
from search_spaces.errors import UserError, full_disk_named
from search_spaces.files import sha256_file, write_json
from search_spaces.frontier import Frontier, Winner
from search_spaces.task import Task, estimates_to_json
from search_spaces.task_json import task_fields


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` that replaces it only when the block succeeds.

    Killed half-way, it leaves a hidden folder that the next call clears.

    Raises:
        UserError: ``target`` is there and is no bundle, so that it is not ours to replace.
        OSError: it cannot be written; of a full disk it names ``target``.
    """
    if target.exists() and not (target / MANIFEST).is_file():
        raise UserError(f"{target}: is there and is no bundle; remove it or choose another --out")
    target.parent.mkdir(parents=True, exist_ok=True)
    staging, replaced = (target.parent / f".{target.name}.{word}" for word in ("part", "old"))
    for leftover in (staging, replaced):
        shutil.rmtree(leftover, ignore_errors=True)
    staging.mkdir()
    try:
        with full_disk_named(target):
            yield staging
            _flush(staging)
            if target.exists():
                target.replace(replaced)
            staging.replace(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def write_bundle_files(
    folder: Path,
    winner: Winner,
    frontier: Frontier,
    lowered: LoweredNet,
    clips: Clips,
    *,
    inputs: dict[str, Any],
    training: dict[str, Any],
    licence: str,
) -> None:
    """Write vectors, model card and manifest beside the models that ``folder`` already holds.

    Args:
        folder: where `deploy.lowering.lower_net` wrote.
        winner, frontier: the net and the search that chose it.
        lowered: what was lowered.
        clips: whose calibration clips become test vectors.
        inputs: what the bundle was made of.
        training: ``record`` of supernet.pt, or None with a ``reason``.
        licence: SPDX identifier.
    """
    vectors = _vectors(folder, lowered, clips)
    write_vectors(folder / VECTORS, vectors)
    manifest: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "name": winner.name,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "kit_version": version("ersam-kit"),
        "licence": licence,
        "rate_hz": SAMPLE_RATE_HZ,
        "clip_samples": clips.samples,
        "outputs": list(frontier.task.outputs),
        **task_fields(frontier.task),
        "temperature": lowered.temperature,
        "architecture": winner.architecture.to_json(),
        "costs": {
            "params": winner.params,
            "macs": winner.macs,
            "frontend_macs": winner.frontend_macs,
            "peak_activation_bytes": winner.peak_activation_bytes,
            "predicted_latency_ms": winner.predicted_latency_ms,
            "predicted_latency_reason": winner.predicted_latency_reason,
            "predicted_energy_mj": winner.predicted_energy_mj,
            "predicted_energy_reason": winner.predicted_energy_reason,
        },
        "runtime": {"name": RUNTIME_NAME, "version": runtime_version(), "backend": BACKEND},
        "precisions": {
            "fp32": _precision("fp32", lowered.fp32, None),
            "int8": _int8(lowered, frontier.task),
        },
        "int8_reason": lowered.int8_reason,
        "int8_drop_points": lowered.int8_drop_points,
        "vectors": {"file": VECTORS, "layout_version": VERSION, "count": len(vectors.gain)},
        "training": training,
        "search": {key: frontier.raw[key] for key in ("seed", "budget", "inputs")},
        "inputs": inputs,
    }
    (folder / MODEL_CARD).write_text(model_card(manifest), encoding="utf-8")
    manifest["files"] = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
        for path in sorted(folder.iterdir())
    }
    write_json(folder / MANIFEST, manifest, SCHEMA)


def _vectors(folder: Path, lowered: LoweredNet, clips: Clips) -> Vectors:
    """fp32 is expected to answer as eager torch does, int8 as it does on this host."""
    index, gain = zip(*vector_gains(clips), strict=True)
    vectors = Vectors(
        clips=clips.calibration_waveform[:VECTOR_CLIPS],
        clip_index=np.array(index),
        gain=np.array(gain, dtype=np.float32),
        expected={},
    )
    inputs = vectors.inputs
    vectors.expected["fp32"] = lowered.eager(inputs)
    if lowered.int8 is not None:
        vectors.expected["int8"] = Engine(folder / MODEL_FILES["int8"]).run_many(inputs)
    return vectors


def _precision(
    name: str, model: LoweredModel, quantisation: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "file": MODEL_FILES[name],
        "quantisation": quantisation,
        "tolerance": model.tolerance,
        "max_difference": model.max_difference,
        "compared_clips": model.compared_clips,
        "delegated_macs_share": model.delegation.share,
        "delegates": model.delegation.delegates,
        "left_out": list(model.delegation.left_out),
        "validation": estimates_to_json(model.validation),
    }


def _int8(lowered: LoweredNet, task: Task) -> dict[str, Any] | None:
    if lowered.int8 is None:
        return None
    quantisation = {
        "method": "PT2E static, XNNPACKQuantizer",
        "weights": "int8, symmetric, per output channel",
        "activations": "int8, affine, per tensor; in the front end's DFT per frame, dynamic",
        "left_fp32": [f"{FP32_MODULES[0]} but its DFT", *FP32_MODULES[1:], *_fp32_end(task)],
        "calibration_clips": lowered.calibration_clips,
    }
    return _precision("int8", lowered.int8, quantisation)


def _fp32_end(task: Task) -> tuple[str, ...]:
    """What of the net's end int8 leaves alone."""
    if not task.probabilistic:
        return ()
    return "last layer", "sigmoid" if task.several else "softmax"


def _flush(folder: Path) -> None:
    """Have the disk hold every file before the rename says that they are there."""
    for path in folder.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
