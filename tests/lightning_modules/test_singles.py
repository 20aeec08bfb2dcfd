"""Sums of clips of one voice: here a voice is a tone, so that who speaks can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_modules.audio import from_pcm16, to_pcm16
from lightning_modules.audio_activity import FRAME_SAMPLES
from lightning_modules.singles import Singles, when_active

CLIP, FRAMES = 80_000, 250
PITCHES_HZ = 500 * np.arange(1, 15)  # a whole number of periods in a frame


def voice(pitch_hz: float, frames: slice, noise: float = 1e-3) -> np.ndarray:
    """A tone in ``frames``, in faint noise."""
    time_s = np.arange(CLIP) / 16_000
    gate = np.zeros(FRAMES, np.float32)
    gate[frames] = 0.3
    tone = np.repeat(gate, FRAME_SAMPLES) * np.sin(2 * np.pi * pitch_hz * time_s)
    hiss = noise * np.random.default_rng(int(pitch_hz)).standard_normal(CLIP)
    return (tone + hiss).astype(np.float32)


@pytest.fixture(scope="module")
def voices() -> np.ndarray:
    """Each speaks for 2 s from a moment of its own."""
    clips = [voice(hz, slice(10 * at, 10 * at + 100)) for at, hz in enumerate(PITCHES_HZ)]
    return np.stack([to_pcm16(clip) for clip in clips])


def heard(sound: np.ndarray) -> int:
    """The most tones in any frame."""
    spectrum = np.abs(np.fft.rfft(from_pcm16(sound).reshape(FRAMES, FRAME_SAMPLES), axis=1))
    lines = spectrum[:, (PITCHES_HZ * FRAME_SAMPLES / 16_000).astype(int)]
    return int((lines > 0.1 * lines.max()).sum(axis=1).max())


def test_a_voice_is_active_where_it_is_above_the_noise():
    for noise in (1e-4, 1e-2, 5e-2):
        active = when_active(voice(1000, slice(50, 120), noise))
        assert active[50:120].all()
        assert not active[:45].any()
        assert not active[125:].any()


def test_short_pauses_are_bridged_and_steady_sound_is_speech_throughout():
    paused = voice(1000, slice(50, 120))
    paused[80 * FRAME_SAMPLES : 86 * FRAME_SAMPLES] *= 1e-3
    assert when_active(paused)[50:120].all()
    assert when_active(np.ones(CLIP, np.float32)).all()


def test_the_count_of_a_sum_is_the_most_who_speak_at_one_moment(voices: np.ndarray):
    singles = Singles.of(voices, voices[:0], throughout=False)
    counts = []
    for seed in range(60):
        sound, count = singles.draw(np.random.default_rng(seed))
        assert sound.shape == (CLIP,)
        assert abs(heard(sound) - count) <= 1  # a turn may end within a frame of another's start
        counts.append((count, heard(sound)))
    assert np.mean([count == truth for count, truth in counts]) > 0.9
    assert {count for count, _ in counts} == set(range(1, 11))


def test_where_all_speak_throughout_voices_are_counted(voices: np.ndarray):
    singles = Singles.of(voices, voices[:0], throughout=True)
    assert singles.active.all()
    drawn = [singles.draw(np.random.default_rng(seed)) for seed in range(80)]
    assert {count for _, count in drawn} == set(range(1, 11))
    for sound, count in drawn:
        spectrum = np.abs(np.fft.rfft(from_pcm16(sound)))[PITCHES_HZ * CLIP // 16_000]
        present = np.sort(spectrum)[-count:]
        assert present[0] > 0.9 * present[-1]  # as loud as each other


def test_without_a_voice_the_count_is_none(voices: np.ndarray):
    quiet = to_pcm16(np.full((1, CLIP), 0.01, np.float32))
    singles = Singles.of(voices, quiet, throughout=False)
    drawn = [singles.draw(np.random.default_rng(seed)) for seed in range(60)]
    silent = [sound for sound, count in drawn if count == 0]
    assert silent
    assert all((sound == sound[0]).all() for sound in silent)
    assert len({int(sound[0]) for sound in silent}) > 1 or len(silent) == 1
