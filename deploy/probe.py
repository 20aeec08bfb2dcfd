"""`python -m deploy evaluate --probe`: what linear classifiers can tell from embeddings.

After NOSS (Shor et al. 2020), on any labelled recordings: the same probes on a teacher's
embedding and on those of smaller nets, in one table with their time and size.
Letters: N recordings, K dimensions.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deploy.bundle import MANIFEST
from deploy.device import describe_device
from deploy.predict_classes import hear
from deploy.probe_classifiers import CLASSIFIERS, by_speaker, probe
from deploy.probe_file import SCHEMA, SCHEMA_VERSION
from deploy.probe_folds import Folds, make_folds
from deploy.probe_models import Embedder, embedders, time_ms_per_second
from deploy.probe_table import table
from deploy.progress import stderr_progress
from deploy.windows import cut
from lightning_modules.audio import from_pcm16
from lightning_modules.recordings import blaming, check_heard, class_names, read_recordings
from lightning_modules.recordings_alike import check_sounds, together
from lightning_modules.recordings_cache import Sounds, prepare_sounds
from lightning_modules.recordings_item import Item
from search_spaces.errors import UserError
from search_spaces.files import check_writable, refuse_input, write_json
from search_spaces.metrics import bootstrap_mean
from search_spaces.task_embedding import TeacherTask

SEED = 0  # of the folds and the bootstrap


class ProbeSet(NamedTuple):
    """Labelled recordings to probe with."""

    name: str
    sounds: Sounds
    labels: NDArray[np.str_]  # [N]
    speakers: NDArray[np.str_] | None  # [N], None where not all are known
    folds: Folds


def run_probe(args: argparse.Namespace) -> int:
    """Probe, write `probe.json`, print the table.

    Raises:
        UserError: a bundle of no embeddings, a teacher that is none, or recordings that cannot
            probe.
    """
    path = args.out if args.out.suffix == ".json" else args.out / "probe.json"
    inputs = [*args.probe, *(bundle / MANIFEST for bundle in args.bundle)]
    refuse_input(path, inputs, "files that are read", "--out")
    check_writable(path, "--out")
    models = embedders(
        args.bundle, args.precision, args.teacher, args.teacher_rate_hz, args.teacher_samples
    )
    sets = [read_set(path) for path in args.probe]
    names = [one.name for one in sets]
    if len(set(names)) < len(names):
        raise UserError(f"--probe: sets of one name ({', '.join(names)}); rename a file or folder")
    if args.speaker_normalised:
        for one in sets:
            check_speakers(one)
    probed = [judge(model, sets, args.speaker_normalised) for model in models]
    for row, ms in zip(probed, time_ms_per_second(models), strict=True):
        row["ms_per_second"] = ms
    value = {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": describe_device(),
        "speaker_normalised": args.speaker_normalised,
        "sets": [describe(one) for one in sets],
        "models": probed,
    }
    write_json(path, value, SCHEMA)
    print(table(value))
    print(f"wrote {path}")
    return 0


def read_set(path: Path) -> ProbeSet:
    """Read labelled recordings; those without label are left out.

    Raises:
        UserError: see `recordings.read_recordings`; several labels of one recording, fewer than two
            classes; see also `probe_folds.make_folds`.
    """
    with blaming("--probe"):
        items = [item for item in read_recordings(path) if item.labels]
        for item in items:
            if len(item.labels) > 1:
                raise UserError(
                    f"{path}: {item.name} has {len(item.labels)} labels, a probe tells one"
                )
        found = {item.labels for item in items}
        if len(found) < 2:
            raise UserError(
                f"{path}: holds {len(found)} classes, expected at least two, each a folder in it,"
                " or in the column label of a CSV"
            )
        sounds = prepare_sounds(items, None, strict=False)
        check_heard(class_names(items), sounds.items, str(path))
        check_sounds(sounds.items, sounds.digests)
    labels = np.array([item.labels[0] for item in sounds.items])
    speakers = _speakers(sounds.items)
    name = path.stem if path.is_file() else path.resolve().name
    with blaming(f"--probe {path}"):
        folds = make_folds(
            sounds.items, together(sounds.items, sounds.digests), labels, speakers, SEED
        )
    print(f"{name}: {len(labels)} recordings, tested {folds.how}", file=sys.stderr)
    return ProbeSet(name, sounds, labels, speakers, folds)


def check_speakers(one: ProbeSet) -> None:
    """Refuse to take off what each speaker's recordings have in common where nothing would be left.

    Raises:
        UserError: speakers that are not known, of one recording, or each of one label only.
    """
    where = f"--speaker-normalised: {one.name}"
    if one.speakers is None:
        raise UserError(
            f"{where} does not say the speaker of every recording; add the column speaker, or leave"
            " the option out"
        )
    names, recordings = np.unique(one.speakers, return_counts=True)
    if recordings.min() < 2:
        raise UserError(
            f"{where}: speaker {names[recordings.argmin()]} has one recording, of which nothing is"
            " left without that speaker's mean; add another, or leave the option out"
        )
    if all(len(np.unique(one.labels[one.speakers == name])) == 1 for name in names):
        raise UserError(
            f"{where}: the label tells the speaker, or each speaker has one label, which goes with"
            " that speaker's mean; leave the option out"
        )


def judge(model: Embedder, sets: Sequence[ProbeSet], speaker_normalised: bool) -> dict[str, Any]:
    """A model's entry of `probe.json`, but for its time."""
    accuracy: dict[str, dict[str, Any]] = {}
    for one in sets:
        embeddings = embed(model, one)
        if speaker_normalised and one.speakers is not None:
            embeddings = by_speaker(embeddings, one.speakers)
        accuracy[one.name] = {
            name: bootstrap_mean(probe(name, embeddings, one.labels, one.folds), SEED).to_json()
            for name in CLASSIFIERS
        }
    return {
        "name": model.name,
        "role": model.role,
        "form": model.form,
        "sha256": model.sha256,
        "bytes": model.bytes,
        "dimensions": embeddings.shape[1],
        "clip_samples": model.clip_samples,
        "accuracy": accuracy,
        "mean_accuracy": {
            name: float(np.mean([accuracy[one.name][name]["value"] for one in sets]))
            for name in CLASSIFIERS
        },
    }


def embed(model: Embedder, one: ProbeSet) -> NDArray[np.float64]:
    """The average embedding over each recording, [N, K]."""
    task, rows = TeacherTask(model.dimensions), []
    with stderr_progress() as progress:
        title = f"{model.name} hears {one.name}"
        for sound in progress.track(one.sounds.samples, description=title):
            windows = cut([from_pcm16(sound)], model.clip_samples, model.clip_samples, task)
            rows.append(hear(model, windows).probabilities)
    return np.stack(rows)


def describe(one: ProbeSet) -> dict[str, Any]:
    """A set's entry of `probe.json`; its recordings' names stay out of it."""
    return {
        "name": one.name,
        "recordings": len(one.labels),
        "classes": len(np.unique(one.labels)),
        "speakers": None if one.speakers is None else len(np.unique(one.speakers)),
        "folds": len(one.folds.pairs),
        "tested": one.folds.how,
    }


def _speakers(items: Sequence[Item]) -> NDArray[np.str_] | None:
    names = [item.speaker or "" for item in items]
    return np.array(names) if all(names) else None
