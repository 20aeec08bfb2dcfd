"""Generated recordings with a table of labels, for the tests of training with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from tests.conftest import synthetic_voice

RATE_HZ = 8_000
LABELS = """path,start_s,end_s,count,level,lo,hi,use
one.wav,0,11,1,,,,
one.wav,20,26,,some,,,
two.wav,,,2,,,,
three.flac,3,18,,,0,2,
quiet.wav,,,,,,,
"""


def write_recordings(folder: Path, labels: str = LABELS) -> Path:
    """Recordings of 8 kHz and the table `labels.csv` that names them; returns the table."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, seconds) in enumerate(
        (("one.wav", 31), ("two.wav", 12), ("three.flac", 30), ("quiet.wav", 13))
    ):
        sound = synthetic_voice(seed, seconds)[::2]
        soundfile.write(folder / name, np.clip(sound, -1, 1), RATE_HZ)
    table = folder / "labels.csv"
    table.write_text(labels)
    return table
