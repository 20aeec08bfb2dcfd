"""`evaluation.json`: how well a bundle counts, over all clips and where it is weak.

Letters: N clips, K counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.bundle import MANIFEST, Bundle
from deploy.confusion_plot import write_confusion_plot
from deploy.engine import RUNTIME_NAME, runtime_version
from deploy.labelled_clips import LabelledClip
from deploy.temperature import at_temperature
from search_spaces.ambiance import AmbianceLevels
from search_spaces.files import (
    atomic_path,
    check_writable,
    load_schema,
    read_json,
    refuse_input,
    sha256_file,
    write_json,
)
from search_spaces.json_values import check_json
from search_spaces.metrics import (
    CALIBRATION_BINS,
    CONFIDENCE,
    RESAMPLES,
    bootstrap_mean,
    evaluate,
    expected_calibration_error,
    reliability,
)

SCHEMA_VERSION = 1
SCHEMA = load_schema(Path(__file__).parent / "schemas", "evaluation")
CLASS_SCHEMA = load_schema(Path(__file__).parent / "schemas", "class_evaluation")
SEED = 0  # of the bootstrap
INTERVAL = {
    "method": "percentile bootstrap over clips",
    "confidence": CONFIDENCE,
    "resamples": RESAMPLES,
    "seed": SEED,
}

# Edges of the bins; what lies outside them falls into an open bin at either end.
SNR_EDGES_DB = (5.0, 10.0, 15.0, 20.0, 25.0)
RT60_EDGES_S = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
NO_SEX = (
    "the column sexes of clips.csv is empty or not there: `lightning_modules clips` fills it where"
    " the speech has LibriSpeech's SPEAKERS.TXT in its folder or the one above"
)
LEVEL_EDGES_DBFS = (-50.0, -40.0, -30.0, -20.0, -10.0)


def read_evaluation(path: Path) -> dict[str, Any]:
    """Read and validate `evaluation.json`; that of classes says so in its field ``task``.

    Raises:
        UserError: missing, not JSON, or a field against the schema.
    """
    value = read_json(path, {})
    of_classes = isinstance(value, dict) and "task" in value
    check_json(path, value, CLASS_SCHEMA if of_classes else SCHEMA)
    return value


def output_paths(out: Path) -> tuple[Path, Path]:
    """Where evaluation and picture go: into a folder, or beside each other under a given name."""
    if out.suffix == ".json":
        return out, out.with_suffix(".png")
    return out / "evaluation.json", out / "confusion.png"


def write_evaluation(out: Path, evaluation: dict[str, Any]) -> tuple[Path, Path]:
    """Write `evaluation.json` and its picture: both, or on a full disk neither.

    Returns:
        Where they are.
    """
    json_path, picture_path = output_paths(out)
    with atomic_path(picture_path) as temporary:
        write_confusion_plot(temporary, evaluation)
        write_json(json_path, evaluation, CLASS_SCHEMA if "task" in evaluation else SCHEMA)
    return json_path, picture_path


def check_outputs(out: Path, inputs: Sequence[Path]) -> None:
    """Find out before clips are heard whether an evaluation can be written.

    Raises:
        UserError: it cannot, or would be written over one of ``inputs``.
    """
    for path in output_paths(out):
        refuse_input(path, inputs, "files that are read", "--out")
        check_writable(path, "--out")


def origin_of(bundle: Bundle, precision: str, clips: int, clips_sha256: str) -> dict[str, Any]:
    """The fields ``bundle`` and ``clips`` of an evaluation."""
    return {
        "bundle": {
            "name": bundle.name,
            "precision": precision,
            "manifest_sha256": sha256_file(bundle.path / MANIFEST),
            "runtime": {"name": RUNTIME_NAME, "version": runtime_version()},
        },
        "clips": {"number": clips, "sha256": clips_sha256},
    }


def make_evaluation(
    clips: Sequence[LabelledClip],
    probabilities: NDArray[np.float32],
    input_dbfs: NDArray[np.float64],
    levels: AmbianceLevels,
    origin: dict[str, Any],
    with_rows: bool,
    temperature: float,
) -> dict[str, Any]:
    """Everything that `evaluation.json` holds.

    Args:
        clips: N clips with their counts.
        probabilities: float32 [N, K] from the bundle.
        input_dbfs: [N] level of each clip in dB of full scale, -inf for digital silence.
        levels: the levels of the bundle.
        origin: the fields ``bundle`` and ``clips``, which say what was evaluated.
        with_rows: also keep one row per clip, with its file name.
        temperature: the divisor of the logits within the bundle.
    """
    counts = np.array([clip.count for clip in clips], dtype=np.int64)
    metrics = evaluate(probabilities, counts, counts, levels, SEED)
    decision = levels.decide(probabilities)
    wrong_level = (decision.levels != levels.of_counts(counts)).astype(np.float64)
    off_by = np.abs(decision.counts - counts).astype(np.float64)
    most = probabilities.shape[1] - 1.0

    def group(which: NDArray[np.bool_]) -> dict[str, Any]:
        return {
            "clips": int(which.sum()),
            "level_error": bootstrap_mean(wrong_level[which], SEED).to_json(),
            "mae": bootstrap_mean(off_by[which], SEED, most=most).to_json(),
        }

    evaluation: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **origin,
        "levels": {"edges": list(levels.edges), "names": list(levels.names)},
        "interval": INTERVAL,
        "metrics": {
            "level_error": metrics.level_error.to_json(),
            "mae": metrics.mae.to_json(),
            "exact_accuracy": metrics.exact_accuracy.to_json(),
            "ece": metrics.ece,
            "ece_before_temperature": _ece_before(
                probabilities, temperature, levels.of_counts(counts), levels
            ),
        },
        "calibration": calibration_rows(decision.probability, wrong_level == 0),
        "level_confusion": metrics.level_confusion.tolist(),
        "count_confusion": metrics.count_confusion.tolist(),
        "by_count": [
            {"count": int(count), **group(counts == count)} for count in np.unique(counts)
        ],
        "by_snr_db": bins_of(_known(clips, "snr_db"), SNR_EDGES_DB, group),
        "by_rt60_s": bins_of(_known(clips, "rt60_s"), RT60_EDGES_S, group),
        "by_input_dbfs": bins_of(input_dbfs, LEVEL_EDGES_DBFS, group),
        **_by_sex(clips, group),
        "by_protocol": [
            {"protocol": name, **group(np.array([clip.protocol == name for clip in clips]))}
            for name in sorted({clip.protocol for clip in clips if clip.protocol})
        ],
    }
    if with_rows:
        evaluation["rows"] = [
            {
                "file": clip.name,
                "count": clip.count,
                "predicted_count": int(decision.counts[at]),
                "level": int(levels.of_counts(clip.count)),
                "predicted_level": int(decision.levels[at]),
                "probability": float(decision.probability[at]),
            }
            for at, clip in enumerate(clips)
        ]
    return evaluation


def _ece_before(
    probabilities: NDArray[np.float32],
    temperature: float,
    true_levels: NDArray[np.int64],
    levels: AmbianceLevels,
) -> float:
    """ECE of the same logits without the temperature that divides them within the bundle."""
    decision = levels.decide(at_temperature(probabilities.astype(np.float64), 1.0 / temperature))
    return expected_calibration_error(decision.probability, decision.levels == true_levels)


def _by_sex(
    clips: Sequence[LabelledClip], group: Callable[[NDArray[np.bool_]], dict[str, Any]]
) -> dict[str, Any]:
    """Metrics of clips of women alone, of men alone, and of both; or why there are none."""
    heard = np.array(["".join(sorted(set(clip.sexes or ""))) for clip in clips])
    rows = [
        {"sex": name, **group(heard == sexes)}
        for sexes, name in (("F", "women"), ("M", "men"), ("FM", "women and men"))
        if (heard == sexes).any()
    ]
    return {"by_sex": rows} if rows else {"by_sex": [], "by_sex_reason": NO_SEX}


def _known(clips: Sequence[LabelledClip], field: str) -> NDArray[np.float64]:
    """A field of every clip [N], NaN where it is not known."""
    return np.array([getattr(clip, field) for clip in clips], dtype=np.float64)


def bins_of(
    values: NDArray[np.float64],
    edges: tuple[float, ...],
    group: Callable[[NDArray[np.bool_]], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Metrics of the clips whose value [N] lies in [low, high), for each bin that holds any."""
    rows = []
    for low, high in pairwise((-np.inf, *edges, np.inf)):
        which = (values >= low) & (values < high) & np.isfinite(values)
        if which.any():
            bounds = [float(edge) if np.isfinite(edge) else None for edge in (low, high)]
            rows.append({"low": bounds[0], "high": bounds[1], **group(which)})
    return rows


def calibration_rows(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """The bins of a reliability diagram that hold a clip, of decisions [N]."""
    diagram = reliability(confidence, correct)
    return [
        {
            "low": at / CALIBRATION_BINS,
            "high": (at + 1) / CALIBRATION_BINS,
            "confidence": float(diagram.confidence[at]),
            "accuracy": float(diagram.accuracy[at]),
            "clips": int(diagram.clips[at]),
        }
        for at in np.flatnonzero(diagram.clips)
    ]
