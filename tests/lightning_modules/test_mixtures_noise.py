import numpy as np
import pytest

from lightning_modules.mixtures_noise import _COLOURS, NoiseBank, add_noise, rms


@pytest.fixture(scope="module")
def noise() -> NoiseBank:
    return NoiseBank((1, 2))


def test_drawn_noise_has_unit_power(noise: NoiseBank) -> None:
    drawn = noise.draw(np.random.default_rng(0), 80_000)
    assert drawn.dtype == np.float32
    assert rms(drawn) == pytest.approx(1, rel=1e-3)


def test_half_of_any_noise_swells_and_fades(noise: NoiseBank) -> None:
    rng = np.random.default_rng(0)
    drawn = [noise.draw_any(rng, 80_000) for _ in range(200)]
    assert drawn[0].dtype == np.float32
    assert [rms(each) for each in drawn] == pytest.approx([1] * 200, rel=1e-3)
    powers_db = [10 * np.log10(np.square(each).reshape(50, -1).mean(axis=1)) for each in drawn]
    spans_db = np.array([np.ptp(each) for each in powers_db])
    assert 0.35 < (spans_db > 6).mean() < 0.65
    assert spans_db.max() > 20


def test_colours_fall_as_their_slopes_say(noise: NoiseBank) -> None:
    spectra = np.abs(np.fft.rfft(noise._bank, axis=1)) ** 2
    bin_hz = 16_000 / noise._bank.shape[1]
    octaves = [spectra[:, int(f / bin_hz) : int(2 * f / bin_hz)].mean(axis=1) for f in (1000, 2000)]
    for colour, (_, slope) in enumerate(_COLOURS.values()):
        fallen_db = 10 * np.log10(octaves[0][colour] / octaves[1][colour])
        assert fallen_db == pytest.approx(slope * 10 * np.log10(2), abs=0.3)


def test_noise_is_added_at_the_stated_ratio(noise: NoiseBank) -> None:
    speech = np.sin(np.arange(80_000) / 10).astype(np.float32)
    rng = np.random.default_rng(3)
    mixed, snr_db = add_noise(rng, speech, noise.draw(rng, 80_000), (5, 25))
    assert 5 <= snr_db <= 25
    assert 20 * np.log10(rms(speech) / rms(mixed - speech)) == pytest.approx(snr_db, abs=0.01)


def test_without_speech_there_is_no_ratio(noise: NoiseBank) -> None:
    rng = np.random.default_rng(3)
    mixed, snr_db = add_noise(rng, np.zeros(8000, np.float32), noise.draw(rng, 8000), (5, 25))
    assert np.isnan(snr_db)
    assert rms(mixed) == pytest.approx(1, rel=1e-3)


def test_each_seed_has_noise_of_its_own(noise: NoiseBank) -> None:
    assert not np.array_equal(noise._bank, NoiseBank((1, 3))._bank)
    assert np.array_equal(noise._bank, NoiseBank((1, 2))._bank)
