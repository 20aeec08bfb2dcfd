import numpy as np

from lightning_modules.audio import Int16
from lightning_modules.mixtures import Mixtures
from lightning_modules.mixtures_noise import noise_bank
from lightning_modules.rooms_bank import RoomBank
from lightning_modules.varied import SNR_RANGE_DB, Varied


def test_a_room_tells_nothing_of_the_count(voices: list[Int16], bank: RoomBank) -> None:
    mixtures = Mixtures(voices, Varied(bank), 0, "train")
    clips = [mixtures[index] for index in range(160)]
    spoken = [clip for clip in clips if clip.count > 0]
    in_rooms = [clip for clip in spoken if not np.isnan(clip.rt60_s)]
    assert 0.35 < len(in_rooms) / len(spoken) < 0.65
    for condition in (in_rooms, [clip for clip in spoken if np.isnan(clip.rt60_s)]):
        assert {clip.count for clip in condition} >= set(range(1, 8))
    assert {clip.protocol for clip in clips} == {"varied"}
    assert all(SNR_RANGE_DB[0] <= clip.snr_db <= SNR_RANGE_DB[1] for clip in spoken)
    np.testing.assert_array_equal(mixtures[7].samples, clips[7].samples)


def test_one_person_talks_on_or_pauses_with_and_without_a_room(bank: RoomBank) -> None:
    """A steady voice: what is quiet for a quarter of a second is a pause between turns."""
    tone = (8000 * np.sin(np.arange(16000 * 8) / 3)).astype(np.int16)
    noise = noise_bank((0, 0))
    seen = set()
    for seed in range(400):
        mix = Varied(bank).mix(np.random.default_rng(seed), [tone], 1, noise)
        if mix.count == 0 or mix.snr_db < 35:
            continue
        power = np.square(mix.waveform[: 80_000 // 4000 * 4000]).reshape(-1, 4000).mean(axis=1)
        seen.add((bool(np.isnan(mix.rt60_s)), bool(power.min() < power.max() / 30)))
    assert seen == {(dry, pauses) for dry in (True, False) for pauses in (True, False)}
