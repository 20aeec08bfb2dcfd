"""Tiny recordings of named classes: each class a pitch, each speaker a colour of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

from lightning_modules.datamodule_folder import FolderDataModule

RATE_HZ = 8_000
PITCHES_HZ = {"low": 200, "middle": 600, "high": 1800}
SPEAKERS = ("ann", "bob", "cy", "dee", "eve")


def write_recording(path: Path, pitch_hz: float, seconds: float = 0.4, seed: int = 0) -> Path:
    """A tone with its third harmonic in faint noise."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    harmonic = rng.uniform(0, 0.5)
    tone = np.sin(2 * np.pi * pitch_hz * time_s)
    tone += harmonic * np.sin(2 * np.pi * 2 * pitch_hz * time_s)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * tone + 0.01 * rng.standard_normal(len(tone)), RATE_HZ)
    return path


def write_folder(
    root: Path,
    speakers: Sequence[str] = SPEAKERS,
    each: int = 2,
    pitches_hz: Mapping[str, float] = PITCHES_HZ,
) -> Path:
    """``<class>/<speaker>/<number>.wav``."""
    seed = 0
    for name, pitch_hz in pitches_hz.items():
        for speaker in speakers:
            for number in range(each):
                seed += 1
                write_recording(root / name / speaker / f"{number}.wav", pitch_hz, seed=seed)
    return root


def open_folder(
    root: Path, beside: Path, stage: str = "fit", **options: object
) -> FolderDataModule:
    """The data of ``root`` for clips of a second, ready for a stage; `labels.csv` in ``beside``."""
    data = FolderDataModule(
        str(root),
        space="sam-nano-1s",
        num_workers=0,
        labels=str(beside / "labels.csv"),
        cache=str(root.parent / "cache"),
        **options,
    )
    data.prepare_data()
    data.setup(stage)
    return data
