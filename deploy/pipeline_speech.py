"""What a run hears: speech to be mixed and counted, or recordings of classes."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.pipeline_scale import Scale
from lightning_modules.recordings import check_classes, read_recordings
from lightning_modules.sources import find_source
from lightning_modules.splits import split_readers
from search_spaces.clip import NUM_COUNTS
from search_spaces.errors import UserError
from search_spaces.files import sha256_text


def check_sound(scale: Scale) -> tuple[str, int]:
    """Refuse what cannot be trained on, as far as names tell it; nothing is decoded.

    Returns:
        A digest of the names and versions of all recordings, and how many outputs a net has.

    Raises:
        UserError: no recordings, too few readers or classes, or none named at all.
    """
    if scale.task == "counts":
        source = find_source(scale.speech or "espeak")
        split_readers(recording.reader for recording in source.recordings)
        readers = [(item.reader, item.name, item.version) for item in source.recordings]
        return sha256_text(json.dumps(readers)), NUM_COUNTS
    if scale.root is None:
        raise UserError("--root: not given; name a folder per class, or a CSV (docs/classes.md)")
    items = read_recordings(Path(scale.root))
    names = check_classes(items, f"--root {scale.root}")
    rows = []
    for item in items:
        stretch = [item.start_s, item.end_s, item.split, item.speaker, *item.labels]
        rows.append((item.name, *_version(item.path), *stretch))
    return sha256_text(json.dumps(rows)), len(names)


def _version(path: Path) -> tuple[int | None, int | None]:
    """Size and time of a file; none of a link to nowhere, which `fit` names and passes over."""
    try:
        status = path.stat()
    except OSError:
        return None, None
    return status.st_size, status.st_mtime_ns
