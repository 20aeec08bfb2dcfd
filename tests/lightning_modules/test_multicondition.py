import numpy as np

from lightning_modules.audio import Int16
from lightning_modules.libricount import LibriCount
from lightning_modules.mixtures import Mixtures
from lightning_modules.multicondition import MultiCondition
from lightning_modules.rooms import Rooms
from lightning_modules.rooms_bank import RoomBank


def test_each_clip_is_of_one_condition_and_both_are_common(
    voices: list[Int16], bank: RoomBank
) -> None:
    mixtures = Mixtures(voices, MultiCondition([LibriCount(), Rooms(bank)]), 0, "train")
    clips = [mixtures[index] for index in range(120)]
    spoken = [clip for clip in clips if clip.count > 0]
    in_rooms = [clip for clip in spoken if not np.isnan(clip.rt60_s)]
    assert 0.3 < len(in_rooms) / len(spoken) < 0.7
    for condition in (in_rooms, [clip for clip in spoken if np.isnan(clip.rt60_s)]):
        assert {clip.count for clip in condition} >= set(range(1, 8)), "the condition tells"
    np.testing.assert_array_equal(mixtures[7].samples, clips[7].samples)
