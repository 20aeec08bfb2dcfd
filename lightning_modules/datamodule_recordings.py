"""What the data of tasks that learn from recordings have in common."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from lightning_modules.datamodule_base import StreamDataModule
from lightning_modules.recordings_cache import Sounds, prepare_sounds
from lightning_modules.recordings_item import Item
from lightning_modules.recordings_split import Splits
from lightning_modules.splits import SPLITS
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.files import sha256_json


class RecordingsDataModule(StreamDataModule):
    """Recordings that are decoded once.

    A subclass lists them in `_items` before they are opened, and `setup` sets `_splits`.

    Args:
        eval_batch_size, steps_per_epoch, num_workers, labels: see `StreamDataModule`.
        seed: seed of the order.
        cache: folder of decoded recordings; $ERSAM_CACHE or ``.cache/ersam`` if None.
        strict: refuse recordings that cannot be used, instead of skipping them.
    """

    _items: Sequence[Item]
    _splits: Splits

    def __init__(
        self,
        eval_batch_size: int,
        steps_per_epoch: int,
        num_workers: int,
        labels: str | None,
        seed: int,
        cache: str | None,
        strict: bool,
    ) -> None:
        super().__init__(eval_batch_size, steps_per_epoch, num_workers, labels)
        self._seed = seed
        self._cache = cache
        self._strict = strict
        self._sounds: Sounds | None = None

    def provenance(self) -> dict[str, Any]:
        """What a model trained on this data should say about it; no names of people or folders."""
        sounds = self._open()
        return {
            "recordings": len(sounds.items),
            "skipped_recordings": len(sounds.skipped),
            "hours": round(sum(map(len, sounds.samples)) / SAMPLE_RATE_HZ / 3600, 3),
            "speakers": len({item.speaker for item in sounds.items if item.speaker}),
            "split": {name: len(self._splits.places[name]) for name in SPLITS},
            "test_by_speaker": self._splits.by_speaker,
            "seed": self._seed,
        }

    def sounds_sha256(self) -> dict[str, str | None]:
        """Of the recordings that train or validate; those of the test may change."""
        digests, places = self._open().digests, self._splits.places
        heard = [[digests[place] for place in places[name]] for name in ("train", "validation")]
        return {"root": sha256_json(heard)}

    def _open(self) -> Sounds:
        if self._sounds is None:  # also in a process that did not prepare
            self._sounds = prepare_sounds(self._items, self._cache, self._strict)
        return self._sounds

    def _say(self, sounds: Sounds, splits: Splits, remarks: Sequence[str]) -> None:
        """Tell of the splits, once, whatever the number of processes."""
        if self.trainer is not None and not self.trainer.is_global_zero:
            return
        sizes = ", ".join(f"{name} {len(splits.places[name])}" for name in SPLITS)
        for remark in (f"{len(sounds.items)} recordings: {sizes}", *remarks):
            print(f"data: {remark}", file=sys.stderr)
