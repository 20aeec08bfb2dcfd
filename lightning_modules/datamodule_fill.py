"""Make all clips that a run will hold before it begins, on every core.

Legend: N clips.
"""

from __future__ import annotations

from torch.utils.data import Dataset
from tqdm import tqdm

from lightning_modules.datamodule_batches import quiet_loader
from lightning_modules.datamodule_held import HeldOnDisk
from search_spaces.processor import usable_cores


class _Missing(Dataset[int]):
    """Item i makes the i-th clip that is missing."""

    def __init__(self, held: HeldOnDisk) -> None:
        self._held = held
        self._missing = held.missing()

    def __len__(self) -> int:
        return len(self._missing)

    def __getitem__(self, place: int) -> int:
        index = int(self._missing[place])
        self._held.keep(index)
        return index


def fill(held: HeldOnDisk) -> None:
    """Make what is missing; killed and started again, it goes on.

    Args:
        held: where the clips are kept, and what makes them.
    """
    missing = _Missing(held)
    if len(missing):
        processes = min(usable_cores(), len(missing))
        for _ in tqdm(quiet_loader(missing, processes, batch_size=None), "Mixing clips"):
            pass
