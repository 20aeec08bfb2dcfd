from __future__ import annotations

import pytest
import torch
from torch import fx, nn
from torch.fx.experimental.proxy_tensor import make_fx

from search_spaces.architecture import Architecture
from search_spaces.cost import costs
from search_spaces.errors import UserError
from search_spaces.frontend import LogMelFrontEnd
from search_spaces.picture_cost import peak_elements
from search_spaces.spaces import DEEPSPECTRUM, PICTURE_SPACES, any_space, get_space
from search_spaces.supernet import build_subnet
from tests.search_spaces.pictures import picture_architecture


@pytest.mark.parametrize("scale", ["mel", "linear"])
def test_waveform_to_logits(scale: str):
    net = build_subnet(picture_architecture(frontend_scale=scale), 5).eval()
    waveform = 0.1 * torch.randn(2, 16_000)
    with torch.no_grad():
        assert net.features(waveform).shape == (2, 1, 40, 30)
        assert net.picture(net.features(waveform)).shape == (2, 3, 32, 32)
        assert net(waveform).shape == (2, 5)
        quiet = net(0.01 * waveform)
    torch.testing.assert_close(quiet, net(waveform), rtol=1e-3, atol=1e-3)


def test_a_linear_scale_spreads_the_high_bands():
    tone = 0.1 * torch.sin(2 * torch.pi * 3_000 / 16_000 * torch.arange(16_000))[None]
    loudest = {}
    for scale in ("mel", "linear"):
        net = build_subnet(picture_architecture(frontend_scale=scale), 5)
        loudest[scale] = int(net.features(tone)[0, 0].mean(dim=1).argmax())
    assert loudest["linear"] == 15  # (3000 - 60) / (7400 - 60) of 41 steps, less one
    assert loudest["mel"] > 20


def test_the_finest_bands_need_the_finest_bins():
    with pytest.raises(UserError, match=r"mels is 128, allowed: \(20, 32, 40, 64\)"):
        build_subnet(picture_architecture(frontend_mels=128, frontend_window_ms=32), 5)
    fine = picture_architecture(frontend_mels=128, frontend_window_ms=64)
    energy = build_subnet(fine, 5).frontend.mel_energy(0.1 * torch.randn(1, 16_000))
    assert energy.shape[1] == 128
    assert (energy > 0).all()


def test_an_unknown_scale_is_refused():
    with pytest.raises(
        UserError,
        match=r"front end: scale is 'bark', allowed: \('mel', 'linear', 'bins', 'even_bins'\)",
    ):
        LogMelFrontEnd(scale="bark")


def test_picture_spaces_are_found_by_those_who_train_one_net_only():
    assert any_space("deepspectrum-1s") is PICTURE_SPACES["deepspectrum-1s"]
    assert any_space("sam") is get_space("sam")
    with pytest.raises(UserError, match=r"'deepspectrum': its nets are trained alone and share no"):
        get_space("deepspectrum")


def test_a_choice_outside_the_space_is_refused():
    choices = {name: values[0] for name, values in DEEPSPECTRUM.dimensions.items()}
    with pytest.raises(UserError, match=r"cnn = 'lenet' is not in space deepspectrum; allowed: sq"):
        Architecture("deepspectrum", 1, {**choices, "cnn": "lenet"}).validate()


def test_costs_are_those_of_the_parts():
    architecture = picture_architecture(cnn="mobilenet_v2", picture_size=64)
    cost = costs(architecture, 5)
    net = build_subnet(architecture, 5)
    assert cost.params == sum(parameter.numel() for parameter in net.parameters())
    # Colours: 40 x 30 points, 17 ramps of one number and 3 colours of 17; resizing from both sides.
    picture = 40 * 30 * (17 + 3 * 17) + 3 * 40 * 30 * 64 + 3 * 64 * 40 * 64
    # MobileNetV2 with 1000 outputs has 300 774 272 MACs at 224; all convolutions shrink alike.
    trunk = cost.macs - cost.frontend_macs - picture - 1280 * 5
    assert trunk == (300_774_272 - 1280 * 1000) * 64**2 // 224**2


def graph_of(net: nn.Module, *shape: int) -> fx.Graph:
    with torch.no_grad():
        return make_fx(
            lambda inputs: net(inputs), tracing_mode="fake", _allow_non_fake_inputs=True
        )(torch.zeros(shape)).graph


class Doubled(nn.Module):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        positive = torch.relu(inputs)
        return torch.cat([positive, inputs], dim=1)


def test_the_peak_counts_what_still_waits():
    chain = nn.Sequential(nn.ReLU(), nn.AvgPool2d(2), nn.ReLU(), nn.AvgPool2d(2))
    assert peak_elements(graph_of(chain, 1, 1, 8, 8)) == 64 + 16
    # The ReLU may not take the place of its input, which the concatenation needs too.
    assert peak_elements(graph_of(Doubled(), 1, 1, 8, 8)) == 64 + 64 + 128
