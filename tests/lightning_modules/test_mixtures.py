import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.audio import Int16
from lightning_modules.libricount import LibriCount
from lightning_modules.mixtures import Mixtures
from lightning_modules.mixtures_open import open_mixtures
from lightning_modules.mixtures_parts import MixtureProtocol
from lightning_modules.rooms import Rooms
from lightning_modules.rooms_bank import RoomBank
from lightning_modules.sources_cache import open_speech
from search_spaces.clip import CLIP_SAMPLES
from search_spaces.errors import UserError


@pytest.fixture(params=["libricount", "rooms"])
def protocol(request: pytest.FixtureRequest, bank: RoomBank) -> MixtureProtocol:
    return LibriCount() if request.param == "libricount" else Rooms(bank)


def test_a_clip_depends_on_seed_split_and_index_alone(
    protocol: MixtureProtocol, voices: list[Int16]
) -> None:
    forward = Mixtures(voices, protocol, 7, "train")
    clips = [forward[index] for index in range(6)]
    backward = Mixtures(voices, protocol, 7, "train")
    for index in reversed(range(6)):
        again = backward[index]
        assert np.array_equal(again.samples, clips[index].samples)
        assert again.count == clips[index].count
    for other in (Mixtures(voices, protocol, 8, "train"), Mixtures(voices, protocol, 7, "test")):
        assert not any(
            np.array_equal(other[index].samples, clips[index].samples) for index in range(3)
        )


@settings(max_examples=12)
@given(seed=st.integers(0, 1), index=st.integers(0, 2**40), largest=st.integers(1, 10))
def test_every_clip_is_a_clip(
    voices: list[Int16], bank: RoomBank, seed: int, index: int, largest: int
) -> None:
    for protocol in (LibriCount(), Rooms(bank)):
        clip = Mixtures(voices, protocol, seed, "train", max_count=largest)[index]
        assert clip.samples.shape == (CLIP_SAMPLES,)
        assert clip.samples.dtype == np.int16
        assert 0 <= clip.count <= largest
        assert math.isnan(clip.snr_db) == (clip.count == 0 and math.isnan(clip.rt60_s))
        peak = np.abs(clip.samples.astype(int)).max() / 32768
        if math.isnan(clip.level_dbfs):
            assert peak == 0
            assert clip.count == 0
        else:
            assert -50 <= clip.level_dbfs <= 0
            assert peak == pytest.approx(10 ** (clip.level_dbfs / 20), abs=2e-5)


def test_level_says_nothing_of_the_count(voices: list[Int16]) -> None:
    mixtures = Mixtures(voices, LibriCount(), 0, "train")
    clips = [mixtures[index] for index in range(250)]
    heard = [clip for clip in clips if not math.isnan(clip.level_dbfs)]
    levels, counts = [clip.level_dbfs for clip in heard], [clip.count for clip in heard]
    assert abs(np.corrcoef(levels, counts)[0, 1]) < 0.2  # three standard errors
    assert np.mean(levels) == pytest.approx(-25, abs=3)


def test_some_clips_hold_noise_only_and_some_of_these_nothing(voices: list[Int16]) -> None:
    mixtures = Mixtures(voices, LibriCount(), 0, "train", max_count=1)
    empty = [clip for clip in (mixtures[index] for index in range(150)) if clip.count == 0]
    silent = [clip for clip in empty if not clip.samples.any()]
    assert 0 < len(silent) < 0.2 * len(empty)


def test_only_revealed_clips_tell_anything_but_their_sound(
    protocol: MixtureProtocol, voices: list[Int16]
) -> None:
    known = Mixtures(voices, protocol, 0, "train")
    hidden = Mixtures(voices, protocol, 0, "train", revealed=range(2))
    for index in range(5):
        clip = hidden[index]
        assert np.array_equal(clip.samples, known[index].samples)
        truths = [clip.count, clip.snr_db, clip.rt60_s, clip.level_dbfs]
        if index < 2:
            assert clip.count == known[index].count
        else:
            assert all(math.isnan(value) for value in truths)


def test_opened_mixtures_use_the_splits_readers(
    prepared_speech, capsys: pytest.CaptureFixture[str]
) -> None:
    mixtures = open_mixtures(open_speech(prepared_speech), "libricount", 0, "test")
    assert max(mixtures[index].count for index in range(40)) == 4
    assert "test has 4 readers" in capsys.readouterr().err


def test_unknown_protocol_is_refused(prepared_speech) -> None:
    with pytest.raises(UserError, match="protocol: 'party', expected one of libricount"):
        open_mixtures(open_speech(prepared_speech), "party", 0, "train")
