from __future__ import annotations

import re
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from deploy.windows import MIN_SOUND_SAMPLES, cut, duration_s, windows
from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.errors import UserError


def tone(seconds: float, rate_hz: int, channels: int = 1) -> np.ndarray:
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.repeat(0.5 * np.sin(2 * np.pi * 440 * time_s)[:, None], channels, axis=1)


@pytest.mark.parametrize(
    ("name", "rate_hz", "channels", "subtype"),
    [
        ("eight_bit.wav", 16_000, 1, "PCM_U8"),
        ("studio.wav", 192_000, 2, "PCM_24"),
        ("array.wav", 48_000, 8, "PCM_16"),
        ("phone.wav", 8_000, 1, "ULAW"),
        ("float.wav", 44_100, 2, "DOUBLE"),
        ("voice.flac", 22_050, 1, "PCM_16"),
        ("voice.ogg", 44_100, 2, "VORBIS"),
        ("voice.mp3", 44_100, 2, "MPEG_LAYER_III"),
    ],
)
def test_odd_but_valid_audio_becomes_whole_windows(
    tmp_path: Path, name: str, rate_hz: int, channels: int, subtype: str
) -> None:
    path = tmp_path / name
    soundfile.write(path, tone(8.0, rate_hz, channels), rate_hz, subtype=subtype)

    first, last = windows(path)

    assert (first.start_s, first.end_s, last.start_s) == (0.0, 5.0, 5.0)
    assert last.end_s == pytest.approx(8.0, abs=0.06)  # mp3 adds some silence
    for window in (first, last):
        assert window.waveform.shape == (CLIP_SAMPLES,)
        assert window.waveform.dtype == np.float32
    middle = first.waveform[8_000:72_000]
    spectrum = np.abs(np.fft.rfft(middle))
    assert np.argmax(spectrum) * SAMPLE_RATE_HZ / len(middle) == pytest.approx(440, abs=0.5)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert last.waveform[-SAMPLE_RATE_HZ:].any()


def test_three_seconds_are_repeated_to_fill_one_window(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(3.0, 16_000), 16_000)
    (window,) = windows(tmp_path / "a.wav")
    assert (window.start_s, window.end_s) == (0.0, 3.0)
    np.testing.assert_array_equal(window.waveform[48_000:], window.waveform[:32_000])


def test_samples_beyond_full_scale_are_brought_within_it(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 2.0**15 * tone(5.0, 16_000), 16_000, subtype="FLOAT")
    (window,) = windows(tmp_path / "a.wav")
    assert np.abs(window.waveform).max() == pytest.approx(1.0)


def test_channels_are_averaged(tmp_path: Path) -> None:
    loud = tone(5.0, 16_000)
    soundfile.write(tmp_path / "a.wav", np.hstack([loud, 0 * loud]), 16_000, subtype="FLOAT")
    (window,) = windows(tmp_path / "a.wav")
    np.testing.assert_allclose(window.waveform, loud[:, 0] / 2, atol=1e-6)


@given(
    total=st.integers(1, 4 * CLIP_SAMPLES),
    hop=st.integers(1_600, 2 * CLIP_SAMPLES),
    seed=st.integers(0, 99),
)
def test_windows_cover_the_sound_whatever_the_blocks(total: int, hop: int, seed: int) -> None:
    # Samples that count up tell each window where it was cut.
    ramp = np.linspace(0.1, 0.9, total, dtype=np.float32)
    bounds = np.sort(np.random.default_rng(seed).integers(0, total, 5))

    cuts = list(cut(np.split(ramp, bounds), hop))

    starts = [round(window.start_s * SAMPLE_RATE_HZ) for window in cuts]
    ends = [round(window.end_s * SAMPLE_RATE_HZ) for window in cuts]
    assert starts == [hop * at for at in range(len(cuts))]
    for window, start, end in zip(cuts, starts, ends, strict=True):
        np.testing.assert_array_equal(window.waveform[: end - start], ramp[start:end])
        missing = CLIP_SAMPLES - (end - start)
        repeated = np.resize(ramp[start:end], missing)
        np.testing.assert_array_equal(window.waveform[end - start :], repeated)
    assert all(end - start == CLIP_SAMPLES for start, end in zip(starts[:-1], ends, strict=False))
    # What no window holds: gaps that the hop asks for, and less than half a second at the end.
    next_start = starts[-1] + hop
    assert total - max(ends[-1], next_start) < MIN_SOUND_SAMPLES
    assert next_start + CLIP_SAMPLES > total
    # A window that is filled up holds at least half a second of its own, unless it is all there is.
    if len(cuts) > 1 and ends[-1] - starts[-1] < CLIP_SAMPLES:
        assert ends[-1] - max(starts[-1], ends[-2]) >= MIN_SOUND_SAMPLES


@pytest.mark.parametrize(("extra", "expected"), [(7_999, 1), (8_000, 2)])
def test_a_remainder_of_half_a_second_is_a_window(extra: int, expected: int) -> None:
    sound = np.full(CLIP_SAMPLES + extra, 0.1, dtype=np.float32)
    assert len(list(cut([sound], CLIP_SAMPLES))) == expected


def test_overlapping_windows_meet() -> None:
    cuts = list(cut([np.zeros(10 * SAMPLE_RATE_HZ, dtype=np.float32)], SAMPLE_RATE_HZ))
    assert [window.start_s for window in cuts] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert all(b.start_s - a.start_s == 1.0 for a, b in pairwise(cuts))


def test_a_long_file_takes_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "meeting.wav"
    minutes, rate_hz = 20, 8_000
    block = (2_000 * tone(60.0, rate_hz)[:, 0]).astype(np.int16)
    with soundfile.SoundFile(path, "w", rate_hz, 1, "PCM_16") as file:
        for _ in range(minutes):
            file.write(block)

    tracemalloc.start()
    number = sum(1 for _ in windows(path))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert number == minutes * 12
    decoded_bytes = minutes * 60 * SAMPLE_RATE_HZ * 4  # 77 MB
    assert peak_bytes < decoded_bytes / 2


def _damage(path: Path, fault: str) -> Path:
    sound = tone(4.0, 16_000)
    if fault == "nan":
        sound[40_000] = np.nan
        soundfile.write(path, sound, 16_000, subtype="FLOAT")
    elif fault == "short":
        soundfile.write(path, tone(0.4, 16_000), 16_000)
    elif fault == "empty":
        path.touch()
    elif fault == "text":
        path.write_text("hello")
    elif fault == "truncated":
        noise = np.random.default_rng(0).normal(0, 0.1, 64_000)
        soundfile.write(path, noise, 16_000)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize(
    ("name", "fault", "message"),
    [
        ("a.wav", "nan", "holds NaN or infinite samples, or such as no sound has; export"),
        ("a.wav", "short", "holds 0.40 s of sound, at least 0.5 s is needed"),
        ("a.wav", "empty", "is empty (0 bytes); copy or record it again"),
        ("a.wav", "text", "cannot be decoded, damaged or not audio (Format not recognised);"),
        ("a.flac", "truncated", "cannot be decoded, damaged or not audio (flac decoder lost sync)"),
        ("a.wav", "missing", "no such file"),
        (".", "folder", "is a folder"),
    ],
)
def test_bad_audio_is_named_with_its_fault(
    tmp_path: Path, name: str, fault: str, message: str
) -> None:
    path = _damage(tmp_path / name, fault)
    with pytest.raises(UserError, match="^" + re.escape(f"{path}: {message}")):
        list(windows(path))


def test_duration_is_the_header_s_or_unknown(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(3.0, 16_000), 16_000)
    assert duration_s(tmp_path / "a.wav") == 3.0
    assert duration_s(tmp_path / "none.wav") is None
