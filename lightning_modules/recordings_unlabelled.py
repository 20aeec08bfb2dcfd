"""Recordings from elsewhere that only train, without label: they are in no split and no budget.

T samples of a clip.
"""

from __future__ import annotations

from dataclasses import dataclass

from lightning_modules.audio import Int16
from lightning_modules.datamodule_places import clips_of_share
from lightning_modules.embedding_recordings import read_unlabelled
from lightning_modules.recordings import blaming, named_root
from lightning_modules.recordings_cache import Sounds, prepare_sounds
from lightning_modules.recordings_extra import check_new
from lightning_modules.recordings_item import Item
from search_spaces.errors import UserError
from search_spaces.files import sha256_json


@dataclass(frozen=True)
class Unlabelled:
    """Sound without labels, and how many clips of it a batch takes.

    Attributes:
        items: the recordings.
        pieces: int16 of at most 2 T each, so that a long recording is heard as often as it is long.
        per_batch: clips in the unlabelled part of every batch.
        sha256: of the samples.
    """

    items: list[Item]
    pieces: list[Int16]
    per_batch: int
    sha256: str


def read_more(
    root: str,
    share: float,
    unlabelled_batch_size: int,
    own: Sounds,
    samples: int,
    cache: str | None,
    strict: bool,
) -> Unlabelled:
    """Decode the recordings of ``root``, any folder of speech or a CSV whose labels do not count.

    Args:
        root: see `embedding_recordings.read_unlabelled`.
        share: of the unlabelled clips of a batch.
        unlabelled_batch_size: these.
        own: the recordings that are split and budgeted.
        samples: T.
        cache, strict: see `recordings_cache.prepare_sounds`.

    Raises:
        UserError: nothing to read, one that is among ``own``, a batch without room for it and
            others, or a share that is no clip, or all clips.
    """
    with blaming("data.unlabelled"):
        place = named_root(root)
    if unlabelled_batch_size < 2:
        raise UserError(
            f"data.unlabelled: {root} is given, but a batch has {unlabelled_batch_size} unlabelled"
            " clips; set data.unlabelled_batch_size to 2 or more"
        )
    per_batch = clips_of_share("unlabelled_share", share, unlabelled_batch_size, "unlabelled")
    with blaming("data.unlabelled"):
        sounds = prepare_sounds(read_unlabelled(place), cache, strict)
        check_new(sounds, own)
    pieces = [
        sound[start : start + 2 * samples]
        for sound in sounds.samples
        for start in range(0, max(1, len(sound) - samples // 2), 2 * samples)
    ]
    return Unlabelled(sounds.items, pieces, per_batch, sha256_json(sounds.digests))
