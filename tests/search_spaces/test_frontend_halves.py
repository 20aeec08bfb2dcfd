from __future__ import annotations

import pytest
import torch
from torch import nn

from search_spaces.architecture import smallest
from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.frontend_halves import halves
from search_spaces.spaces import get_space
from search_spaces.supernet import build_subnet


@pytest.fixture(scope="module", params=["sam-lite", "sam-8k"])  # bands; single bins
def net(request: pytest.FixtureRequest) -> nn.Module:
    return build_subnet(smallest(get_space(request.param))).eval()


def sound(samples: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    loudness = torch.linspace(0.01, 0.5, samples)
    return loudness * torch.randn(1, samples, generator=generator)


@torch.no_grad()
def test_the_halves_together_are_the_whole(net: nn.Module) -> None:
    first, rest = halves(net)
    for gain in (0.0, 1e-3, 1.0):
        waveform = gain * sound(CLIP_SAMPLES)
        torch.testing.assert_close(rest(first(waveform)), net(waveform), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_frame_has_the_same_energies_in_every_clip(net: nn.Module) -> None:
    first, _ = halves(net)
    frames = 50
    hop_samples = frames * net.frontend.geometry.hop_ms * SAMPLE_RATE_HZ // 1000
    waveform = sound(CLIP_SAMPLES + hop_samples)
    early = first(waveform[:, :CLIP_SAMPLES])
    late = first(waveform[:, hop_samples:])
    torch.testing.assert_close(late[:, :, :-frames], early[:, :, frames:], rtol=1e-4, atol=1e-9)


def test_the_net_itself_stays_as_it_was(net: nn.Module) -> None:
    before = net.frontend
    halves(net)
    assert net.frontend is before


def test_another_net_is_refused() -> None:
    with pytest.raises(TypeError, match="network is Linear, allowed: AmbianceNet"):
        halves(nn.Linear(1, 1))
