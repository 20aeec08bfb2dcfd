import numpy as np
import pytest
from scipy.signal import fftconvolve

from lightning_modules.audio import Int16
from lightning_modules.audio_activity import active_frames, bridge_pauses
from lightning_modules.mixtures_noise import NoiseBank
from lightning_modules.rooms import _HISTORY_SAMPLES, Rooms, converse, reverberate
from lightning_modules.rooms_bank import RESPONSE_SAMPLES, RoomBank
from search_spaces.clip import CLIP_SAMPLES


def test_overlap_save_is_convolution() -> None:
    rng = np.random.default_rng(0)
    dry = rng.standard_normal((3, _HISTORY_SAMPLES + CLIP_SAMPLES)).astype(np.float32)
    responses = rng.standard_normal((3, RESPONSE_SAMPLES)).astype(np.float32)
    whole = fftconvolve(dry, responses, axes=1).sum(axis=0)
    heard = whole[_HISTORY_SAMPLES : _HISTORY_SAMPLES + CLIP_SAMPLES]
    np.testing.assert_allclose(reverberate(dry, responses), heard, atol=2e-2)


def test_reverberation_reaches_in_from_before_the_clip() -> None:
    dry = np.zeros((1, _HISTORY_SAMPLES + CLIP_SAMPLES), np.float32)
    dry[0, _HISTORY_SAMPLES - 100] = 1
    response = np.zeros((1, RESPONSE_SAMPLES), np.float32)
    response[0, 150] = 1
    assert np.flatnonzero(reverberate(dry, response) > 0.5).tolist() == [50]


@pytest.mark.parametrize("together", [1, 4, 10])
def test_count_is_the_most_who_are_heard_at_one_moment(together: int, voices: list[Int16]) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        dry, count = converse(rng, voices[: min(together + 1, 10)], together)
        assert count <= together
        heard = bridge_pauses(active_frames(dry), 200)[:, _HISTORY_SAMPLES // 320 :].sum(axis=0)
        assert abs(int(heard.max()) - count) <= 1  # seen after the turns were cut: pauses may join


def test_counts_cover_everything_and_levels_differ(voices: list[Int16], bank: RoomBank) -> None:
    rooms, noise = Rooms(bank), NoiseBank((0,))
    mixes = [rooms.mix(np.random.default_rng(seed), voices, 10, noise) for seed in range(70)]
    counts = [mix.count for mix in mixes]
    assert set(counts) == set(range(11))
    assert {round(mix.rt60_s, 1) for mix in mixes if mix.count} == {0.3, 0.5}
    assert all(5 <= mix.snr_db <= 25 for mix in mixes if mix.count)
    assert all(np.isnan(mix.rt60_s) for mix in mixes if np.isnan(mix.snr_db))
