"""Recordings that only train: of the same classes, beside those that the label budget is drawn of.

A synthesiser's words (`speak`), or another collection. They are in no split and no budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lightning_modules.audio import Int16
from lightning_modules.datamodule_places import clips_of_share
from lightning_modules.recordings import blaming, check_spelling, named_root, read_recordings
from lightning_modules.recordings_alike import together
from lightning_modules.recordings_cache import Sounds, prepare_sounds
from lightning_modules.recordings_item import Item
from search_spaces.errors import UserError
from search_spaces.files import sha256_json
from search_spaces.task_classes import ClassesTask


@dataclass(frozen=True)
class Extra:
    """Labelled recordings, and how many of their clips a batch takes.

    Attributes:
        items: of each.
        sounds: of each, int16 [T].
        per_batch: clips in the labelled part of every batch.
        sha256: of samples and labels.
    """

    items: list[Item]
    sounds: list[Int16]
    per_batch: int
    sha256: str


def read_extra(
    root: str,
    share: float,
    labelled_batch_size: int,
    own: Sounds,
    task: ClassesTask,
    cache: str | None,
    strict: bool,
) -> Extra:
    """Decode the recordings of ``root``, a folder per class or a CSV.

    Args:
        root: see `recordings.read_recordings`; a column ``split`` is not looked at.
        share: of the labelled clips of a batch.
        labelled_batch_size: these.
        own: the recordings that are split and budgeted.
        task: of their labels.
        cache, strict: see `recordings_cache.prepare_sounds`.

    Raises:
        UserError: nothing to read, a recording without label or of another class, one that is
            among ``own``, or a share that is no clip, or all clips.
    """
    per_batch = clips_of_share("extra_share", share, labelled_batch_size)
    with blaming("data.extra"):
        items = read_recordings(named_root(root))
        check_spelling([*own.items, *items], root)
        _check_labels(items, task)
        sounds = prepare_sounds(items, cache, strict)
        check_new(sounds, own)
    heard = [(d, item.labels) for d, item in zip(sounds.digests, sounds.items, strict=True)]
    return Extra(sounds.items, sounds.samples, per_batch, sha256_json(heard))


def _check_labels(items: Sequence[Item], task: ClassesTask) -> None:
    for item in items:
        if not item.labels:
            raise UserError(f"{item.name}: has no label, though it is there to train; label it")
        unknown = [label for label in item.labels if label not in task.names]
        if unknown:
            raise UserError(
                f"{item.name}: is of class {unknown[0]!r}, expected one of data.root's:"
                f" {', '.join(task.names[:20])}"
            )
        if len(item.labels) > 1 and not task.several:
            raise UserError(f"{item.name}: has {len(item.labels)} labels, expected one")


def check_new(extra: Sounds, own: Sounds) -> None:
    """Refuse sound from elsewhere that is among one's own, or overlaps with it in one file.

    Raises:
        UserError: naming the first, and which it is.
    """
    items = [*own.items, *extra.items]
    alike = together(items, [*own.digests, *extra.digests])
    known = dict(zip(alike, own.items, strict=False))
    for item, sound in zip(extra.items, alike[len(own.items) :], strict=True):
        if sound in known:
            raise UserError(
                f"{item.name}: is the same sound as {known[sound].name} of data.root, or overlaps"
                " with it, which may be in its test; remove one"
            )


def shared_speakers(extra: Iterable[Item], test: Iterable[Item]) -> list[str]:
    """Names of the test's speakers that recordings from elsewhere have as well."""
    return sorted({x.speaker for x in extra if x.speaker} & {x.speaker for x in test if x.speaker})
