import numpy as np
import pytest

from lightning_modules.audio import Float32, Int16
from lightning_modules.libricount import LibriCount
from lightning_modules.mixtures_noise import NoiseBank, rms
from lightning_modules.mixtures_parts import random_window


@pytest.fixture(scope="module")
def noise() -> NoiseBank:
    return NoiseBank((0,))


@pytest.mark.parametrize("seed", range(8))
def test_count_is_the_number_of_different_equally_loud_readers(
    seed: int, voices: list[Int16], noise: NoiseBank
) -> None:
    """Every voice is a constant of its own here, so the readers can be told from the sum."""
    constants = [np.full(100_000, 1000 + number, np.int16) for number in range(12)]
    mix = LibriCount().mix(np.random.default_rng(seed), constants, 10, noise)
    assert mix.count in range(11)
    assert np.isnan(mix.rt60_s)
    if mix.count:
        assert 20 <= mix.snr_db <= 50
        assert np.median(mix.waveform) == pytest.approx(mix.count, rel=0.03)
    real = LibriCount().mix(np.random.default_rng(seed), voices, 10, noise)
    assert real.count == mix.count


def test_readers_in_a_clip_are_all_different(noise: NoiseBank) -> None:
    """Ten of ten readers, each a tone of its own: all ten tones are in the mixture."""
    time = np.arange(160_000) / 16_000
    tones = [
        (8000 * np.sin(2 * np.pi * (200 + 100 * number) * time)).astype(np.int16)
        for number in range(10)
    ]
    for seed in range(100):
        mix = LibriCount().mix(np.random.default_rng(seed), tones, 10, noise)
        if mix.count == 10:
            break
    spectrum = np.abs(np.fft.rfft(mix.waveform))[1000:6000:500]  # bins of 0.2 Hz
    assert spectrum.min() > 0.9 * spectrum.max()


def test_counts_are_uniform(voices: list[Int16], noise: NoiseBank) -> None:
    counts = [
        LibriCount().mix(np.random.default_rng(seed), voices, 2, noise).count for seed in range(150)
    ]
    assert np.bincount(counts).min() > 30
    assert max(counts) == 2


def test_a_short_voice_goes_round(voices: list[Int16]) -> None:
    window: Float32 = random_window(np.random.default_rng(0), np.arange(1, 8, dtype=np.int16), 20)
    steps = np.diff(np.rint(window * 32768))
    assert set(steps.tolist()) == {1, -6}
    assert rms(random_window(np.random.default_rng(0), voices[0], 80_000)) > 0
