import numpy as np

from lightning_modules.mixtures_parts import random_window

TONE_HZ = 400


def test_a_voice_at_another_speed_has_another_pitch_within_the_bounds() -> None:
    tone = (8000 * np.sin(2 * np.pi * TONE_HZ * np.arange(48_000) / 16_000)).astype(np.int16)
    pitches_hz = []
    for seed in range(40):
        heard = random_window(np.random.default_rng(seed), tone, 16_000, widest_speed=0.2)
        assert heard.shape == (16_000,)
        assert heard.dtype == np.float32
        pitches_hz.append(int(np.abs(np.fft.rfft(heard)).argmax()))
    assert min(pitches_hz) < 0.88 * TONE_HZ
    assert max(pitches_hz) > 1.12 * TONE_HZ
    assert all(TONE_HZ / 1.21 <= pitch <= TONE_HZ * 1.21 for pitch in pitches_hz)


def test_a_short_voice_goes_round_at_any_speed() -> None:
    voice = np.arange(1, 500, dtype=np.int16)
    heard = random_window(np.random.default_rng(0), voice, 2_000, widest_speed=0.1)
    assert heard.min() > 0
