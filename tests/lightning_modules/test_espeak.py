from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lightning_modules.espeak import speak
from search_spaces.errors import UserError


def seven(voice: str = "en-us+f2") -> np.ndarray:
    return speak(voice, 50, 160, "seven")


def test_what_was_said_before_is_not_heard():
    first = seven()
    assert first.dtype == np.float32
    assert 0.2 * 16_000 < len(first) < 2 * 16_000
    speak("de+m3", 20, 200, "Guten Tag")
    assert np.array_equal(seven(), first)
    assert not np.array_equal(seven("en-us+m3")[:4000], first[:4000])


def test_a_voice_with_noise_in_it_says_the_same_at_another_time():
    breath, klatt = seven(), seven("en-us+Reed")
    time.sleep(1.1)  # espeak-ng's own seed is the time in seconds
    assert np.array_equal(seven(), breath)
    assert np.array_equal(seven("en-us+Reed"), klatt)


def test_threads_wait_for_each_other():
    alone = {voice: seven(voice) for voice in ("en-us+f2", "en-gb-x-rp+m1")}
    voices = list(alone) * 4
    with ThreadPoolExecutor(4) as pool:
        for voice, spoken in zip(voices, pool.map(seven, voices), strict=True):
            assert np.array_equal(spoken, alone[voice])  # two at once would be another word


def test_unknown_voice_is_refused():
    with pytest.raises(UserError, match="no voice 'xx-none'"):
        speak("xx-none", pitch=50, words_per_minute=160, text="one")


def test_nothing_to_say_is_silence():
    assert not speak("en-us+m1", 50, 160, "").any()
