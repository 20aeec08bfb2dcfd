"""Clips of synthetic voices among the labelled ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules.datamodule import AmbianceDataModule
from search_spaces.errors import UserError


@pytest.fixture
def options(prepared_speech: Path, tmp_path: Path) -> dict[str, Any]:
    return {
        "speech": str(prepared_speech),
        "labelled_clips": 40,
        "pool_clips": 100,
        "labelled_batch_size": 10,
        "unlabelled_batch_size": 2,
        "steps_per_epoch": 4,
        "num_workers": 0,
        "labels": str(tmp_path / "labels.csv"),
        "cache": str(tmp_path / "cache"),
        "synthetic": "espeak:12",
    }


def ready(options: dict[str, Any], **changes: Any) -> AmbianceDataModule:
    data = AmbianceDataModule(**{**options, **changes})
    data.prepare_data()
    data.setup()
    return data


def test_they_take_their_share_of_the_labelled_clips_and_never_come_again(options: dict[str, Any]):
    data, plain = ready(options), ready(options, synthetic=None, labelled_batch_size=6)
    spoken: list[torch.Tensor] = []
    for step in range(2):
        batch, own = data.batch(step), plain.batch(step)["labelled"]["waveform"]
        clips = batch["labelled"]["waveform"]
        assert clips.shape == (10, 80_000)
        others = [clip for clip in clips if not any(torch.equal(clip, each) for each in own)]
        assert len(others) == 4
        spoken += others
        assert torch.equal(batch["labelled"]["waveform"], data.batch(step)["labelled"]["waveform"])
        assert torch.equal(
            batch["unlabelled"]["waveform"], plain.batch(step)["unlabelled"]["waveform"]
        )
    assert len({clip.numpy().tobytes() for clip in spoken}) == 8


def test_their_counts_are_known(options: dict[str, Any]):
    labelled = ready(options).batch(0)["labelled"]
    quiet = labelled["waveform"].abs().amax(1) == 0
    assert torch.equal(labelled["lo"], labelled["hi"])
    assert len(labelled["lo"].unique()) > 3
    assert not labelled["lo"][quiet].any()


def test_a_model_says_that_they_trained_it(options: dict[str, Any]):
    summary = ready(options).provenance()["synthetic"]
    assert summary["share"] == 0.4
    assert summary["speech"]["readers"] == 12
    assert "synthetic" not in ready(options, synthetic=None).provenance()


def test_voices_of_people_are_refused(options: dict[str, Any], tmp_path: Path):
    with pytest.raises(UserError, match=r"data.synthetic: folder, expected espeak or espeak:<voi"):
        AmbianceDataModule(**{**options, "synthetic": "folder"})
    with pytest.raises(UserError, match=r"data.synthetic_share: 0.99 of labelled_batch_size 10 is"):
        ready(options, synthetic_share=0.99)
    architecture = tmp_path / "architecture.json"
    architecture.write_text("{}")
    held = {"held_features": True, "architecture": architecture, "unlabelled_batch_size": 0}
    with pytest.raises(UserError, match=r"data.held_features: true, but data.synthetic brings sou"):
        AmbianceDataModule(**{**options, **held})
