"""Nets of pictures lower whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.squeezenet import Fire

from deploy.__main__ import main
from deploy.engine import Engine
from deploy.export import ProbabilityNet, lower_program, ready_to_lower
from deploy.quantize import FP32_MODULES, quantize
from search_spaces import frontier
from search_spaces.frontier import read_frontier
from search_spaces.picture_net import PictureNet, build_picture_net
from tests.search_spaces.pictures import picture_architecture


@pytest.fixture(scope="module")
def net() -> PictureNet:
    """A small CNN with what image CNNs have and the kit's nets lack.

    Ceilings and concatenation, as SqueezeNet; a norm that follows no convolution, as DenseNet.
    """
    built = build_picture_net(picture_architecture(), 3)
    torch.manual_seed(0)
    cnn = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        Fire(8, 4, 8, 8),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 3, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    for module in cnn.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 2.0)
    return PictureNet(frontend=built.frontend, picture=built.picture, cnn=cnn).eval()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_waveform_to_probabilities_all_delegated(net: PictureNet, precision: str, tmp_path: Path):
    probabilities = ProbabilityNet(net).eval()
    lowerable = ready_to_lower(probabilities)
    clips = 0.1 * torch.randn(3, 16_000, generator=torch.Generator().manual_seed(1))
    if precision == "int8":
        lowerable = quantize(lowerable, list(clips.split(1)))
    lowered = lower_program(lowerable, clips[:1])
    assert lowered.delegation.share == 1.0
    path = tmp_path / "model.pte"
    path.write_bytes(lowered.program)
    with torch.no_grad():
        expected = probabilities(clips).numpy()
    got = Engine(path).run_many(clips.numpy())
    np.testing.assert_allclose(got, expected, atol=1e-4 if precision == "fp32" else 0.02)


def test_the_picture_stays_fp32():
    assert "picture" in FP32_MODULES


def test_pictures_share_no_frames(
    frontier_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    pictures = replace(read_frontier(frontier_path), space="deepspectrum")
    monkeypatch.setattr(frontier, "read_frontier", lambda path: pictures)
    arguments = ["lower", "--frontier", str(frontier_path), "--out", str(tmp_path)]
    assert main([*arguments, "--share-frames"]) == 2
    assert "holds a net of pictures, which span all of a clip" in capsys.readouterr().err
