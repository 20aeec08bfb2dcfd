import numpy as np

from lightning_modules.sources_espeak import MAX_VOICES, TEXTS_PER_VOICE, espeak_source


def test_voices_speak_offline() -> None:
    recordings = espeak_source("2").recordings
    assert len(recordings) == 2 * TEXTS_PER_VOICE
    first, other = recordings[0].load(), recordings[-1].load()
    for speech in (first, other):
        assert speech.dtype == np.float32
        assert 8 * 16_000 < len(speech) < 25 * 16_000
        assert 0.05 < np.abs(speech).max() < 1.1
    assert recordings[0].reader != recordings[-1].reader
    assert len(first) != len(other)


def test_every_voice_is_another_reader() -> None:
    recordings = espeak_source(str(MAX_VOICES)).recordings
    assert len({item.reader for item in recordings}) == MAX_VOICES
    assert len({item.name for item in recordings}) == MAX_VOICES * TEXTS_PER_VOICE
