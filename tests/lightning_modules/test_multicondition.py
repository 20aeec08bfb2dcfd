from pathlib import Path

import numpy as np

from lightning_modules.audio import Int16
from lightning_modules.libricount import LibriCount
from lightning_modules.mixtures import Mixtures
from lightning_modules.mixtures_open import open_mixtures, parts_of
from lightning_modules.multicondition import MultiCondition
from lightning_modules.rooms import Rooms
from lightning_modules.rooms_bank import RoomBank
from lightning_modules.sources_cache import prepare_speech


def test_each_clip_is_of_one_condition_and_both_are_common(
    voices: list[Int16], bank: RoomBank
) -> None:
    mixtures = Mixtures(
        voices, MultiCondition("multicondition", [LibriCount(), Rooms(bank)]), 0, "train"
    )
    clips = [mixtures[index] for index in range(120)]
    spoken = [clip for clip in clips if clip.count > 0]
    in_rooms = [clip for clip in spoken if not np.isnan(clip.rt60_s)]
    assert 0.3 < len(in_rooms) / len(spoken) < 0.7
    for condition in (in_rooms, [clip for clip in spoken if np.isnan(clip.rt60_s)]):
        assert {clip.count for clip in condition} >= set(range(1, 8)), "the condition tells"
    np.testing.assert_array_equal(mixtures[7].samples, clips[7].samples)


def test_the_kit_s_own_hold_the_conditions_that_they_are_named_after(
    prepared_speech: Path, tmp_path: Path
) -> None:
    speech = prepare_speech(str(prepared_speech))
    for name in ("multicondition", "allconditions"):
        mixtures = open_mixtures(speech, name, 0, "train", rooms=10, cache=tmp_path)
        assert {mixtures[index].protocol for index in range(40)} == set(parts_of(name))
    assert set(parts_of("allconditions")) == {"libricount", "rooms", "varied"}
    assert parts_of("rooms") == ("rooms",)
