import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules import view_channels
from lightning_modules.view_channels import through_channel

SOUND = (3000 * np.random.default_rng(0).standard_normal(8000)).clip(-32767, 32767).astype(np.int16)


@given(st.integers(1, 2**31 - 1), st.integers(1, 4000))
def test_a_channel_is_a_function_of_its_seed_and_keeps_length_and_range(seed: int, samples: int):
    heard = through_channel(SOUND[:samples], seed)
    assert heard.dtype == np.int16
    assert len(heard) == samples
    assert (heard == through_channel(SOUND[:samples], seed)).all()
    peak_db = 20 * np.log10(np.abs(heard.astype(float)).max() / 32767)
    assert -18.1 <= peak_db <= -0.9


def test_channels_differ_and_silence_stays_silence():
    assert len({through_channel(SOUND, seed).tobytes() for seed in range(1, 20)}) == 19
    assert not through_channel(np.zeros(100, np.int16), 3).any()
    assert len(through_channel(np.zeros(0, np.int16), 3)) == 0


def spectrum_db(sound: np.ndarray) -> np.ndarray:
    power = np.square(np.abs(np.fft.rfft(sound.astype(float))))
    return 10 * np.log10(power.reshape(-1)[:4000].reshape(40, 100).mean(axis=1))  # 200 Hz each


def test_a_line_cuts_what_is_above_it(monkeypatch: pytest.MonkeyPatch):
    for name, share in {"HIGH_CUT": 1.0, "LOW_CUT": 0.0, "ROOM": 0.0, "NOISE": 0.0}.items():
        monkeypatch.setattr(view_channels, name, share)
    monkeypatch.setattr(view_channels, "FILTER_DB", 0.0)
    change = spectrum_db(through_channel(SOUND, 5)) - spectrum_db(SOUND)
    assert np.ptp(change[:12]) < 0.5  # below 2.4 kHz
    assert (change[:12].mean() - change[-10:]).min() > 40  # above 6 kHz


def test_noise_is_as_loud_as_it_says(monkeypatch: pytest.MonkeyPatch):
    for name, share in {"HIGH_CUT": 0.0, "LOW_CUT": 0.0, "ROOM": 0.0, "NOISE": 1.0}.items():
        monkeypatch.setattr(view_channels, name, share)
    monkeypatch.setattr(view_channels, "FILTER_DB", 0.0)
    monkeypatch.setattr(view_channels, "NOISE_SNR_DB", (20.0, 20.0))
    tone = (9000 * np.sin(2 * np.pi * 0.125 * np.arange(8000))).astype(np.int16)
    for seed in range(1, 9):
        power = np.square(np.abs(np.fft.rfft(through_channel(tone, seed).astype(float))))
        signal = power[1000]
        assert 10 * np.log10(signal / (power.sum() - signal)) == pytest.approx(20, abs=0.5)


def test_a_room_rings_on(monkeypatch: pytest.MonkeyPatch):
    for name, share in {"HIGH_CUT": 0.0, "LOW_CUT": 0.0, "ROOM": 1.0, "NOISE": 0.0}.items():
        monkeypatch.setattr(view_channels, name, share)
    monkeypatch.setattr(view_channels, "FILTER_DB", 0.0)
    click = np.zeros(8000, np.int16)
    click[100] = 20_000
    heard = np.abs(through_channel(click, 2).astype(float)) / through_channel(click, 2)[100]
    assert heard[:100].max() < 0.01
    assert 0.005 < heard[101:400].mean() < 0.2
    assert heard[6000:].max() < 0.001
