"""How well a bundle names the classes of recordings: `evaluation.json` of `task: classes`.

Letters: N recordings, K classes.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.bundle import MANIFEST, Bundle
from deploy.evaluation import (
    INTERVAL,
    SCHEMA_VERSION,
    SEED,
    SNR_EDGES_DB,
    bins_of,
    calibration_rows,
    check_outputs,
    origin_of,
    write_evaluation,
)
from deploy.predict_classes import Model, hear
from deploy.progress import stderr_progress
from deploy.temperature import at_temperature
from deploy.windows import cut
from lightning_modules.audio import from_pcm16
from lightning_modules.recordings import LABEL_SEPARATOR, read_recordings
from lightning_modules.recordings_cache import load_each
from lightning_modules.recordings_clips import labels_of
from lightning_modules.recordings_item import Item
from search_spaces.errors import UserError
from search_spaces.files import sha256_text
from search_spaces.metrics import bootstrap_mean, confusion_matrix, expected_calibration_error
from search_spaces.task import estimates_to_json
from search_spaces.task_classes import ClassesTask, Decisions

# Of one class per recording; of several nothing is balanced.
BALANCED_INTERVAL = {
    **INTERVAL,
    "method": f"{INTERVAL['method']}; of balanced_error over those of each class, by their errors"
    " with half a clip more of either kind",
}


@dataclass(frozen=True)
class WithBare:
    """A model that also says what it would have said without its temperature.

    Attributes:
        model: as it is lowered.
        temperature: the divisor of the logits within it.
        several: whether several classes may be right.
    """

    model: Model
    temperature: float
    several: bool

    def run(self, waveform: NDArray[np.float32]) -> NDArray[np.float64]:
        """Waveform float32 [T] to both probabilities [2, K], the model's own first."""
        said = self.model.run(waveform).astype(np.float64)[None]
        bare = at_temperature(said, 1.0 / self.temperature, self.several)
        return np.concatenate([said, bare])


def evaluate_classes(
    args: argparse.Namespace, bundle: Bundle, precision: str, task: ClassesTask
) -> dict[str, Any]:
    """Evaluate, write the files, print the metrics.

    Returns:
        What `evaluation.json` holds.

    Raises:
        UserError: recordings that cannot be read, or of classes that the bundle does not know.
    """
    found = judged_items(read_recordings(args.clips), task, str(args.clips))
    items = sorted(found, key=lambda item: str(item.path))  # so that a file is decoded once
    check_outputs(args.out, [bundle.path / MANIFEST, args.clips, *(item.path for item in items)])
    model = WithBare(bundle.load(precision), bundle.manifest["temperature"], task.several)
    heard, sha256 = [], []
    with stderr_progress() as progress:
        for sound in progress.track(load_each(items), description="evaluate", total=len(items)):
            blocks = [from_pcm16(sound)]
            windows = cut(blocks, bundle.clip_samples, bundle.clip_samples, task)
            heard.append(hear(model, windows).probabilities)
            sha256.append(hashlib.sha256(sound.tobytes()).hexdigest())
    labels = [LABEL_SEPARATOR.join(item.labels) for item in items]
    lines = sorted(f"{digest} {label}\n" for digest, label in zip(sha256, labels, strict=True))
    digest = sha256_text("".join(lines))
    probabilities, bare = np.stack(heard, axis=1)
    evaluation = make_evaluation(
        items,
        probabilities,
        bare,
        task,
        origin_of(bundle, precision, len(items), digest),
        with_rows=args.rows,
    )
    json_path, picture_path = write_evaluation(args.out, evaluation)
    print(table(evaluation, task))
    hardest = [row for row in rows_of(items, probabilities, task)[:5] if row["wrong"]]
    for row in hardest:
        print(f"  {row['file']}: {row['label']} taken for {row['said'] or 'none'}")
    print(f"wrote {json_path} and {picture_path}")
    return evaluation


def judged_items(items: Sequence[Item], task: ClassesTask, where: str) -> list[Item]:
    """The labelled recordings; of a CSV that says which are the test, only those.

    Raises:
        UserError: there are none, or a class is not one of the bundle's.
    """
    labelled = [item for item in items if item.labels]
    if any(item.split for item in labelled):
        labelled = [item for item in labelled if item.split == "test"]
    if not labelled:
        raise UserError(f"{where}: holds no labelled recording to judge by (split test)")
    for item in labelled:
        unknown = [label for label in item.labels if label not in task.names]
        if unknown:
            raise UserError(
                f"{where}: {item.name}: class {unknown[0]!r} is none of the bundle's:"
                f" {', '.join(task.names[:20])}"
            )
        if len(item.labels) > 1 and not task.several:
            raise UserError(f"{where}: {item.name}: has several labels, the bundle gives one")
    return labelled


def make_evaluation(
    items: Sequence[Item],
    probabilities: NDArray[np.float64],
    bare: NDArray[np.float64],
    task: ClassesTask,
    origin: dict[str, Any],
    with_rows: bool,
) -> dict[str, Any]:
    """Everything that `evaluation.json` holds.

    Args:
        items: N recordings with their labels.
        probabilities: [N, K] from the bundle.
        bare: [N, K], the same without the temperature within the bundle.
        task: of the bundle.
        origin: the fields ``bundle`` and ``clips``, which say what was evaluated.
        with_rows: also keep what names recordings and speakers: the error of each speaker, and a
            row per recording, the hardest first.
    """
    lo, hi = labels_of([item.labels for item in items], task)
    decision = task.decide(probabilities)
    present = lo == 1 if task.several else np.eye(len(task.names), dtype=bool)[lo]
    right = (decision.said == present).all(axis=1)
    wrong = (decision.said != present).mean(axis=1) if task.several else (~right).astype(np.float64)
    sure = _sureness(decision, probabilities, present, task)
    bare_sure = _sureness(task.decide(bare), bare, present, task)

    def group(which: NDArray[np.bool_]) -> dict[str, Any]:
        return {
            "clips": int(which.sum()),
            "error": bootstrap_mean(wrong[which], SEED).to_json(),
        }

    snr_db = np.array([item.snr_db for item in items], dtype=np.float64)
    evaluation: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **origin,
        "task": task.to_json(),
        "interval": INTERVAL if task.several else BALANCED_INTERVAL,
        "metrics": {
            **estimates_to_json(task.judge(probabilities, lo, hi, SEED)),
            "ece": expected_calibration_error(*sure),
            "ece_before_temperature": expected_calibration_error(*bare_sure),
        },
        "calibration": calibration_rows(*sure),
        "confusion": None
        if task.several
        else confusion_matrix(lo, decision.said.argmax(axis=1), len(task.names)).tolist(),
        "by_class": [
            {
                "name": name,
                "clips": int(present[:, at].sum()),
                "recall": _share(decision.said[present[:, at], at]),
                "precision": _share(present[decision.said[:, at], at]),
            }
            for at, name in enumerate(task.names)
        ],
    }
    if np.isfinite(snr_db).any():
        evaluation["by_snr_db"] = bins_of(snr_db, SNR_EDGES_DB, group)
    if with_rows:
        speakers = np.array([item.speaker or "" for item in items])
        evaluation["by_speaker"] = [
            {"name": str(name), **group(speakers == name)} for name in np.unique(speakers) if name
        ]
        evaluation["rows"] = rows_of(items, probabilities, task)
    return evaluation


def rows_of(
    items: Sequence[Item], probabilities: NDArray[np.float64], task: ClassesTask
) -> list[dict[str, Any]]:
    """A row per recording, those first of whose true label the bundle was least sure."""
    lo, _ = labels_of([item.labels for item in items], task)
    present = lo == 1 if task.several else np.eye(len(task.names), dtype=bool)[lo]
    of_truth = np.where(present, probabilities, 1.0 - probabilities)
    sure = of_truth.min(axis=1) if task.several else probabilities[present]
    decision = task.decide(probabilities)
    rows = []
    for at in np.argsort(sure, kind="stable"):
        said = [name for name, yes in zip(task.names, decision.said[at], strict=True) if yes]
        rows.append(
            {
                "file": items[at].name,
                "label": LABEL_SEPARATOR.join(items[at].labels),
                "said": LABEL_SEPARATOR.join(said),
                "wrong": bool((decision.said[at] != present[at]).any()),
                "probability": float(decision.probability[at]),
                "probability_of_label": float(sure[at]),
            }
        )
    return rows


def table(evaluation: dict[str, Any], task: ClassesTask) -> str:
    """The metrics as lines for a terminal."""
    bundle, metrics = evaluation["bundle"], evaluation["metrics"]
    number = evaluation["clips"]["number"]
    lines = [f"{bundle['name']} ({bundle['precision']}) on {number} recordings"]
    for metric in task.judged_by:
        value, low, high = (
            metric.text(metrics[metric.key][end]) for end in ("value", "low", "high")
        )
        lines.append(f"  {metric.title:<32}{value:>8}   95 % interval {low} to {high}")
    before = metrics["ece_before_temperature"]
    lines.append(f"  {'ECE':<32}{metrics['ece']:>8.3f}   {before:.3f} before the temperature")
    weakest = sorted(
        (row for row in evaluation["by_class"] if row["clips"]),
        key=lambda row: row["recall"]["value"],
    )[:5]
    for row in weakest:
        recall = row["recall"]
        value, low, high = (f"{100 * recall[end]:.1f} %" for end in ("value", "low", "high"))
        title = f"recall of {row['name']} ({row['clips']})"
        lines.append(f"  {title:<32}{value:>8}   95 % interval {low} to {high}")
    return "\n".join(lines)


def _sureness(
    decision: Decisions,
    probabilities: NDArray[np.float64],
    present: NDArray[np.bool_],
    task: ClassesTask,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How sure each answer is, and whether it is right: [N], or of every yes and no [N * K].

    The probability of the least sure class is not that of the whole set: a calibrated net would
    seem far too sure, the more so the more classes there are.
    """
    if task.several:
        of_each = np.where(decision.said, probabilities, 1.0 - probabilities)
        return of_each.ravel(), (decision.said == present).ravel()
    return decision.probability, (decision.said == present).all(axis=1)


def _share(hits: NDArray[np.bool_]) -> dict[str, Any]:
    return bootstrap_mean(hits.astype(np.float64), SEED).to_json()
