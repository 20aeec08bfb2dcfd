"""The report's section about what an embedding was learned from, without any names of people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from deploy.report_data import RunData
from deploy.report_page import Section, Table
from deploy.report_text import megabytes


def recordings_section(data: RunData) -> Section:
    """What the weights were learned from: numbers of recordings and readers, no names."""
    used = data.used or []
    rows = []
    for use in ("train", "validation"):
        readers = {row.speaker for row in used if row.use == use and row.speaker}
        heard = sum(row.use == use for row in used)
        rows.append((use, str(heard), str(len(readers)) if readers else "not known"))
    tables = [Table("labels.csv", ("use", "recordings", "readers"), rows)] if used else []
    return Section(
        "recordings",
        "Recordings",
        "An embedding is learned without labels; the probes alone look at any. Names of recordings"
        " and readers stay out of this page.",
        tables=[*tables, *_training(data)],
        missing=[*data.missing.get("labels", ()), *data.missing.get("bundles", ())],
    )


def _training(data: RunData) -> list[Table]:
    """The training records of the bundles, one table for each that differs."""
    nets: dict[str, list[str]] = {}
    for bundle in data.bundles:
        rows = list(_record(bundle.manifest["training"]))
        nets.setdefault(json.dumps(rows), []).append(bundle.name)
    return [
        Table(f"Training of {', '.join(names)}", ("what", "of it"), list(map(tuple, json.loads(k))))
        for k, names in nets.items()
    ]


def _record(training: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a training record says of its data, as far as it does."""
    record = training["record"]
    if record is None:
        yield "not known", training["reason"]
        return
    if record.keys() >= {"recordings", "hours", "speakers"}:
        unused = record.get("skipped_recordings", 0)
        yield "recordings", f"{record['recordings']} ({record['hours']:g} h); {unused} left out"
        yield "readers", str(record["speakers"] or "not known")
    if record.keys() >= {"split", "test_by_speaker"}:
        apart = "readers" if record["test_by_speaker"] else "recordings"
        sizes = ", ".join(f"{number} {name}" for name, number in record["split"].items())
        yield f"split by {apart}", f"{sizes} recordings"
    if record.get("teacher_sha256"):
        layer = "" if record.get("teacher_layer") is None else f", layer {record['teacher_layer']}"
        size = megabytes(record.get("teacher_bytes"))
        yield "learned from", f"a teacher of {size}{layer} (sha256 {record['teacher_sha256'][:8]})"
    elif record.get("proximity_s"):
        yield "learned from", f"pairs of clips at most {record['proximity_s']:g} s apart"
    for key, title in (("training_clips", "training clips"), ("steps", "steps"), ("seed", "seed")):
        if key in record:
            yield title, f"{record[key]:,}"
