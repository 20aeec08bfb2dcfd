from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from deploy.report_spectrogram import DYNAMIC_DB, MOST_FRAMES, spectrogram_db, spectrogram_svg


def tone(hz: float, seconds: float) -> np.ndarray:
    time_s = np.arange(round(seconds * 16_000)) / 16_000
    return np.round(10_000 * np.sin(2 * np.pi * hz * time_s)).astype(np.int16)


def test_a_tone_is_a_line_at_its_frequency():
    power_db = spectrogram_db(tone(1000, 0.5))
    assert power_db.shape == (201, 48)
    assert set(power_db.argmax(axis=0)) == {25}  # bins of 40 Hz
    assert power_db.max() == pytest.approx(0.0)
    assert power_db.min() >= -DYNAMIC_DB


def test_a_long_recording_has_no_more_frames_and_a_short_or_silent_one_is_no_fault():
    assert spectrogram_db(tone(1000, 20)).shape == (201, MOST_FRAMES)
    assert spectrogram_db(tone(1000, 0.01)).shape == (201, 1)
    assert np.isfinite(spectrogram_db(np.zeros(800, np.int16))).all()


def test_the_picture_lies_within_the_page_and_its_words_are_escaped():
    svg = str(spectrogram_svg(tone(500, 1.0), 'a "dog" & <door>'))
    assert "<door>" not in svg
    assert "frequency (kHz)" in svg
    content = re.search(r'href="data:image/png;base64,([^"]+)"', svg)
    assert content
    assert base64.b64decode(content[1]).startswith(b"\x89PNG")
