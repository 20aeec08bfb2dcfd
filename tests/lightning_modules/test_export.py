from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lightning_modules.datamodule import AmbianceDataModule
from lightning_modules.export import ExportSupernet, make_clips
from search_spaces.architecture import smallest
from search_spaces.clips_file import read_clips, write_clips
from search_spaces.errors import UserError
from search_spaces.net import AmbianceNet
from search_spaces.spaces import get_space
from search_spaces.supernet import build_subnet
from search_spaces.task_counts import CountsTask


def data(prepared_speech: Path, folder: Path) -> AmbianceDataModule:
    module = AmbianceDataModule(
        str(prepared_speech), labelled_clips=40, num_workers=0, labels=str(folder / "labels.csv")
    )
    module.prepare_data()
    module.setup("fit")
    return module


def net() -> AmbianceNet:
    return build_subnet(smallest(get_space("sam-nano"))).eval()


def test_clips_hold_the_validation_clips_their_sums_and_calibration(
    prepared_speech: Path, tmp_path: Path
):
    module = data(prepared_speech, tmp_path)
    clips = make_clips(
        module, net(), True, CountsTask(), seed=1, num_sums=20, max_summands=3, num_calibration=4
    )
    write_clips(tmp_path / "clips.npz", clips)
    clips = read_clips(tmp_path / "clips.npz")
    samples, lo, hi = module.validation_clips()
    original = clips.validation_original
    np.testing.assert_array_equal(clips.validation_waveform[original], samples)
    np.testing.assert_array_equal(clips.validation_lo[original], lo)
    np.testing.assert_array_equal(clips.validation_hi[original], hi)
    assert 0 < (~original).sum() <= 20
    assert (clips.validation_hi[~original] == clips.validation_lo[~original]).all()
    assert clips.calibration_waveform.shape == (4, 80_000)


def test_in_rooms_the_labels_of_sums_are_bounds(prepared_speech: Path, tmp_path: Path):
    module = data(prepared_speech, tmp_path)
    clips = make_clips(
        module, net(), False, CountsTask(), seed=1, num_sums=40, max_summands=3, num_calibration=1
    )
    sums = ~clips.validation_original
    assert (clips.validation_lo[sums] < clips.validation_hi[sums]).any()


@pytest.mark.parametrize(
    ("name", "value"), [("validation_sums", -3), ("calibration_clips", 0), ("max_summands", 1)]
)
def test_a_number_out_of_range_is_refused_before_the_training(name: str, value: int):
    with pytest.raises(UserError, match=rf"ExportSupernet\.{name}: got {value}, expected \d or"):
        ExportSupernet(**{name: value})
