"""Clips to be judged: the labelled validation clips and those of the test readers.

Legend: V clips, T samples.
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from lightning_modules.audio import Int16, from_pcm16
from lightning_modules.mixtures import Mixtures


class ValidationClips(Dataset[dict[str, Any]]):
    """Items of ``waveform`` float32 [T], ``lo`` and ``hi``.

    Args:
        samples: int16 [V, T].
        lo, hi: labels of the V clips, see `Task`.
    """

    def __init__(self, samples: Int16, lo: NDArray[Any], hi: NDArray[Any]) -> None:
        self._samples, self._lo, self._hi = samples, lo, hi

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return {
            "waveform": torch.from_numpy(from_pcm16(self._samples[place])),
            "lo": self._lo[place],
            "hi": self._hi[place],
        }


class TestClips(Dataset[dict[str, Any]]):
    """Items of ``waveform`` float32 [T], ``lo``, ``hi``, ``snr_db``, ``rt60_s`` and ``level_dbfs``.

    Args:
        mixtures: clips of the test readers.
        number: how many of them.
    """

    __test__ = False  # a dataset, not a pytest class

    def __init__(self, mixtures: Mixtures, number: int) -> None:
        self._mixtures, self._number = mixtures, number

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, index: int) -> dict[str, Any]:
        clip = self._mixtures[index]
        return {
            "waveform": torch.from_numpy(from_pcm16(clip.samples)),
            "lo": int(clip.count),
            "hi": int(clip.count),
            "snr_db": clip.snr_db,
            "rt60_s": clip.rt60_s,
            "level_dbfs": clip.level_dbfs,
        }
