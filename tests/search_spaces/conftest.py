"""What several tests of search need: a tiny supernet with clips and a cost table, as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search_spaces.clip import CLIP_SAMPLES
from search_spaces.clips_file import Clips, to_int16, write_clips
from search_spaces.cost_table import write_cost_table
from search_spaces.spaces import get_space
from search_spaces.supernet import build_supernet
from search_spaces.supernet_file import write_supernet
from tests.search_spaces.synthetic_device import synthetic_table


def noise_clips(num_validation: int = 12, num_calibration: int = 4) -> Clips:
    """Clips of noise with random labels; the last third are marked as sums."""
    rng = np.random.default_rng(0)
    total = num_validation + num_calibration
    level = rng.uniform(0.01, 0.2, (total, 1)).astype(np.float32)
    waveform = to_int16(level * rng.standard_normal((total, CLIP_SAMPLES), dtype=np.float32))
    counts = rng.integers(0, 11, num_validation)
    return Clips(
        validation_waveform=waveform[:num_validation],
        validation_lo=counts,
        validation_hi=counts.copy(),
        validation_original=np.arange(num_validation) < num_validation * 2 // 3,
        calibration_waveform=waveform[num_validation:],
    )


@pytest.fixture(scope="session")
def search_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `supernet.pt` (sam-nano, fresh weights), `clips.npz`, `cost_table.json`."""
    folder = tmp_path_factory.mktemp("search_inputs")
    space = get_space("sam-nano")
    write_supernet(folder / "supernet.pt", build_supernet(space, seed=1), {"seed": 1})
    write_clips(folder / "clips.npz", noise_clips())
    write_cost_table(folder / "cost_table.json", synthetic_table(space))
    return folder
