from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lightning_modules import datamodule_singles
from lightning_modules.datamodule import AmbianceDataModule
from lightning_modules.singles_found import Found
from search_spaces.errors import UserError
from search_spaces.files import sha256_file
from tests.lightning_modules.spans_folder import write_recordings

LOUD = np.full((3, 80_000), 20_000, np.int16)  # no mixture is so steady


@pytest.fixture
def options(
    prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    asked = tmp_path / "asked.txt"

    def found(teacher: Path, mixtures: Any, clips: range, *_: Any) -> Found:
        asked.write_text(f"{clips.start} {clips.stop}")
        assert np.isnan(mixtures[clips[0]].count)  # of no clip it is asked about
        return Found(LOUD, LOUD[:0])

    monkeypatch.setattr(datamodule_singles, "find_singles", found)
    (tmp_path / "teacher.pt").write_text("weights")
    return {
        "speech": str(prepared_speech),
        "labelled_clips": 40,
        "pool_clips": 100,
        "labelled_batch_size": 8,
        "unlabelled_batch_size": 2,
        "steps_per_epoch": 4,
        "num_workers": 0,
        "labels": str(tmp_path / "labels.csv"),
        "cache": str(tmp_path / "cache"),
        "singles_from": str(tmp_path / "teacher.pt"),
        "singles_pool": 20,
    }


def ready(options: dict[str, Any], **changes: Any) -> AmbianceDataModule:
    data = AmbianceDataModule(**{**options, **changes})
    data.prepare_data()
    data.setup()
    return data


def test_sums_take_their_share_of_the_labelled_clips(options: dict[str, Any], tmp_path: Path):
    data = ready(options)
    assert (tmp_path / "asked.txt").read_text() == "32 52"  # the first without a label
    plain = ready(options, singles_from=None, labelled_batch_size=2)
    for step in range(3):
        batch, without = data.batch(step), plain.batch(step)
        own = without["labelled"]
        clips = batch["labelled"]["waveform"]
        assert clips.shape == (8, 80_000)
        ours = [row for row in range(8) if any(torch.equal(clips[row], x) for x in own["waveform"])]
        assert len(ours) == 2
        assert torch.equal(batch["labelled"]["lo"], batch["labelled"]["hi"])
        assert torch.equal(
            batch["unlabelled"]["waveform"], plain.batch(step)["unlabelled"]["waveform"]
        )
        assert torch.equal(clips, data.batch(step)["labelled"]["waveform"])
    assert not torch.equal(data.batch(0)["labelled"]["lo"], data.batch(1)["labelled"]["lo"])


def test_labelled_clips_of_one_voice_and_of_none_are_part_of_it(options: dict[str, Any]):
    data = ready(options)
    with Path(options["labels"]).open() as stream:
        train = [row.split(",") for row in stream if ",train," in row]
    summary = data.provenance()["singles"]
    assert summary["voices"] == len(LOUD) + sum(row[5] == "1" for row in train)
    assert summary["quiet"] == sum(row[5] == "0" for row in train)
    assert summary["teacher_sha256"] == sha256_file(Path(options["singles_from"]))


def test_a_checkpoint_of_another_net_is_refused(options: dict[str, Any]):
    state = ready(options).state_dict()
    ready(options).load_state_dict(state)
    Path(options["singles_from"]).write_text("other weights")
    with pytest.raises(UserError, match=r"data.singles_from: not the file that the checkpoint was"):
        ready(options).load_state_dict(state)


def test_beside_recordings_the_rest_is_shared(options: dict[str, Any], tmp_path: Path):
    table = write_recordings(tmp_path / "recordings")
    data = ready(options, recordings=str(table), singles_share=0.5)
    parts = data._batches._parts
    assert [part.labelled for part in parts] == [4, 2]
    assert data.batch(0)["labelled"]["waveform"].shape == (8, 80_000)


@pytest.mark.parametrize(("share", "clips"), [(0.0, 0), (1.0, 8)])
def test_a_share_that_is_none_or_all_is_refused(options: dict[str, Any], share: float, clips: int):
    message = f"data.singles_share: {share:g} of labelled_batch_size 8 is {clips} clips, expected 1"
    with pytest.raises(UserError, match=message):
        ready(options, singles_share=share)


@pytest.mark.parametrize("confidence", [-1.0, 0.0, 1.5, float("nan")])
def test_a_confidence_that_is_no_probability_is_refused(options: dict[str, Any], confidence: float):
    with pytest.raises(UserError, match=rf"^data.singles_confidence: got {confidence:g}, expected"):
        ready(options, singles_confidence=confidence)
