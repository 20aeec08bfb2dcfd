"""The int8 DFT of the front end: its rounding, its frames, its lowering."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from deploy.engine import Engine
from deploy.export import lower_program
from deploy.int8_frontend import Int8FrontEnd, Int8Linear, with_int8_frontend
from deploy.quiet import quiet
from search_spaces.frontend import LogMelFrontEnd

SAMPLES = 16_000
Setting = tuple[int, int, int, int, str]
SETTINGS: tuple[Setting, ...] = (  # rate_hz, hop_ms, window_ms, mels, scale
    (4_000, 40, 64, 128, "mel"),  # folded with and without rotation, decimated or not
    (8_000, 20, 20, 40, "linear"),
    (16_000, 16, 32, 40, "mel"),
    (8_000, 20, 40, 128, "bins"),
    (8_000, 16, 64, 112, "even_bins"),
)


def front_end(rate_hz: int, hop_ms: int, window_ms: int, mels: int, scale: str) -> LogMelFrontEnd:
    """A front end of a second."""
    return LogMelFrontEnd(rate_hz, hop_ms, window_ms, mels, SAMPLES, scale).eval()


def noise(gain: float = 0.1) -> Tensor:
    """White noise [1, T]."""
    return gain * torch.randn(1, SAMPLES, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("setting", SETTINGS)
def test_features_are_those_of_float32_but_for_rounding(setting: Setting) -> None:
    plain = front_end(*setting)
    rounded = Int8FrontEnd(plain)
    with torch.no_grad():
        difference = (rounded(noise()) - plain(noise())).abs()
    assert 0 < difference.mean() < 0.05  # of features whose mean is 9


@pytest.mark.parametrize("gain", [0.003, 0.5])
def test_the_level_says_nothing(gain: float) -> None:
    rounded = Int8FrontEnd(front_end(*SETTINGS[0]))
    with torch.no_grad():
        torch.testing.assert_close(rounded(noise(gain)), rounded(noise()), atol=0.02, rtol=0)


def test_silence_stays_zero() -> None:
    with torch.no_grad():
        assert not Int8FrontEnd(front_end(*SETTINGS[1]))(torch.zeros(1, SAMPLES)).any()


def test_a_quiet_frame_beside_a_loud_one_keeps_its_bits() -> None:
    plain = front_end(*SETTINGS[1])
    waveform = noise()
    waveform[:, SAMPLES // 2 :] *= 0.001  # below half a step of a scale for the whole clip
    with torch.no_grad():
        energies = [each.mel_energy(waveform) for each in (plain, Int8FrontEnd(plain))]
    quiet_frames = [energy[..., -15:].sum() for energy in energies]
    torch.testing.assert_close(*quiet_frames, rtol=0.02, atol=0)


def test_a_product_is_that_of_int8_numbers() -> None:
    product = Int8Linear(torch.tensor([[1.0, -0.5], [0.0, 0.0]]).double().numpy())
    assert product.weights.tolist() == [[127, -64], [0, 0]]
    with torch.no_grad():
        answer = product(torch.tensor([[2.55, 0.0]]))
    torch.testing.assert_close(answer, torch.tensor([[2.55, 0.0]]))


@pytest.mark.parametrize("setting", [SETTINGS[0], *SETTINGS[-2:]])
def test_the_lowered_file_computes_the_same(setting: Setting, tmp_path: Path) -> None:
    rounded = Int8FrontEnd(front_end(*setting)).eval()
    with quiet():
        lowered = lower_program(rounded, noise())
    assert (lowered.delegation.share, lowered.delegation.delegates) == (1.0, 1)
    path = tmp_path / "frontend.pte"
    path.write_bytes(lowered.program)
    with torch.no_grad():
        expected = rounded(noise(0.02))
    answer = Engine(path).run_tensor(noise(0.02))
    torch.testing.assert_close(answer.reshape(expected.shape), expected, atol=0.01, rtol=0)


def test_a_net_is_copied_with_every_front_end_exchanged() -> None:
    net = nn.Sequential(nn.ModuleDict({"frontend": front_end(*SETTINGS[1])}))
    exchanged = with_int8_frontend(net)
    assert [type(module) for module in exchanged.modules()].count(Int8FrontEnd) == 1
    assert not any(isinstance(module, Int8FrontEnd) for module in net.modules())
    assert isinstance(with_int8_frontend(front_end(*SETTINGS[1])), Int8FrontEnd)
