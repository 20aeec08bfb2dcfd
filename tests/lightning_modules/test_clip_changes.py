from __future__ import annotations

import math

import torch

from lightning_modules import clip_changes
from search_spaces.frontend import RELATIVE_FLOOR, LogMelFrontEnd

T = 80_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_shift_keeps_every_sample_and_their_order():
    waveform = torch.randn(3, 100)
    shifted = clip_changes.circular_shift(waveform, generator())
    for before, after in zip(waveform, shifted, strict=True):
        offsets = [k for k in range(100) if torch.equal(before.roll(-k), after)]
        assert len(offsets) == 1
    assert not torch.equal(waveform, shifted)


def test_a_tone_is_heard_at_speeds_within_the_range_and_fills_the_clip():
    tone = torch.sin(2 * math.pi * 400 * torch.arange(T) / 16_000).expand(40, T)
    played = clip_changes.speed_perturb(tone, 0.25, generator())
    assert played.shape == tone.shape
    pitch_hz = torch.fft.rfft(played).abs().argmax(dim=1) * 16_000 / T
    assert 400 / 1.25 - 1 <= pitch_hz.min() < 340
    assert 460 < pitch_hz.max() <= 400 * 1.25 + 1
    ends = played[:, -8_000:].square().mean(dim=1).sqrt()
    torch.testing.assert_close(ends, torch.full((40,), 0.5**0.5), atol=0.02, rtol=0)


def test_at_no_change_of_speed_a_clip_stays():
    clips = torch.randn(2, 1_000)
    assert torch.equal(clip_changes.speed_perturb(clips, 0.0, generator()), clips)


def test_a_word_at_another_speed_stays_whole_and_alone():
    at_the_end = torch.zeros(30, T)
    at_the_end[:, -T // 2 :] = 1.0
    played = clip_changes.speed_perturb(at_the_end, 0.5, generator(), restart=False)
    seconds = played.sum(dim=1) / T
    assert 0.5 / 1.5 - 0.01 < seconds.min() < 0.4 < 0.6 < seconds.max() < 0.5 * 1.5 + 0.01
    rises = ((played > 0.5).int().diff(dim=1) > 0).sum(dim=1)
    assert (rises == 1).all()  # no second beginning


def test_levels_are_within_range_and_silence_stays_silent():
    waveform = torch.cat([torch.randn(50, 400) * 3, torch.zeros(1, 400)])
    peak_db = 20 * torch.log10(clip_changes.random_level(waveform, generator()).abs().amax(dim=1))
    assert (peak_db[:-1] >= -50.01).all()
    assert (peak_db[:-1] <= 0.01).all()
    assert peak_db[:-1].std() > 5
    assert peak_db[-1] == -math.inf


def features_of(waveform: torch.Tensor) -> torch.Tensor:
    return LogMelFrontEnd()(waveform)


def strongly(
    features: torch.Tensor,
    seed: int = 0,
    *,
    noise: float = 0.0,
    equaliser: float = 0.0,
    room: float = 0.0,
    snr_db: tuple[float, float] = (15.0, 40.0),
) -> torch.Tensor:
    return clip_changes.strong_augment(
        features,
        generator(seed),
        noise_snr_db=snr_db,
        noise_probability=noise,
        equaliser_db=3.0,
        equaliser_probability=equaliser,
        room_probability=room,
    )


def test_strong_augmentation_keeps_silence_finite_and_follows_its_generator():
    features = features_of(torch.cat([torch.randn(3, T), torch.zeros(1, T)]))
    first = strongly(features, 1, noise=1.0, equaliser=1.0, room=1.0)
    again = strongly(features, 1, noise=1.0, equaliser=1.0, room=1.0)
    other = strongly(features, 2, noise=1.0, equaliser=1.0, room=1.0)
    assert first.shape == features.shape
    assert torch.equal(first, again)
    assert not torch.equal(first[:3], other[:3])
    assert first.isfinite().all()
    assert first[3].abs().max() == 0


def test_noise_has_the_signal_to_noise_ratio_asked_for():
    tone = torch.zeros(8, 1, 40, 311)
    tone[:, :, 10] = 100.0  # energy in one band alone
    features = torch.log1p(tone / (RELATIVE_FLOOR * tone.mean(dim=(1, 2, 3), keepdim=True)))
    noisy = strongly(features, noise=1.0, snr_db=(10.0, 10.0))
    energy = torch.expm1(noisy)
    in_band = energy[:, :, 10].sum(dim=(1, 2))
    noise = energy.sum(dim=(1, 2, 3)) - in_band
    share = noise / energy.sum(dim=(1, 2, 3))
    # A tenth of the tone's energy; what of it falls into the tone's own band is not seen here.
    assert ((share > 0.05) & (share < 0.1)).all()


def test_nothing_chosen_changes_nothing():
    features = features_of(torch.randn(2, T))
    torch.testing.assert_close(strongly(features), features, atol=1e-5, rtol=0)


def test_a_share_of_the_clips_is_chosen():
    assert len(clip_changes.choose(20, 0.3, generator())) == 6
    assert len(set(clip_changes.choose(20, 1.0, generator()).tolist())) == 20
    assert len(clip_changes.choose(20, 0.0, generator())) == 0


def test_a_filter_in_the_features_is_a_filter_of_the_sound():
    waveform = torch.randn(1, T)
    spectrum = torch.fft.rfft(waveform)
    frequency_hz = torch.fft.rfftfreq(T, 1 / 16_000)
    treble = torch.where(frequency_hz > 1000, 2.0, 1.0)
    filtered = torch.fft.irfft(spectrum * treble, n=T)
    energy = torch.expm1(features_of(waveform))
    ratio = torch.expm1(features_of(filtered)) / energy
    high, low = ratio[:, :, 30:].median(), ratio[:, :, :10].median()
    assert 3.8 < high / low < 4.2  # twice the amplitude is four times the energy


def test_a_smooth_gain_has_the_spread_asked_for():
    gain_db = 10 * torch.log10(clip_changes.smooth_gain(200, 40, 6.0, generator()))
    assert gain_db.shape == (200, 1, 40, 1)
    assert 4.0 < gain_db.std() < 7.0  # less between the knots


def test_a_room_adds_a_decaying_tail_of_the_energy_asked_for():
    energy = torch.zeros(2, 1, 3, 250)
    energy[:, :, :, 20] = 1.0
    decay_s, reverberant = torch.tensor([0.02, 0.05]), torch.tensor([0.5, 1.0])
    spread = clip_changes.reverberate(energy, decay_s, reverberant)
    torch.testing.assert_close(spread.sum(dim=-1)[:, 0, 0], 1 + reverberant)
    tail = spread[:, 0, 0, 21:40]
    assert (tail.diff(dim=1) < 0).all()
    assert spread[:, :, :, 19].max() < 1e-6


def test_rooms_are_within_their_ranges():
    decay_s, reverberant = clip_changes.room_decays(100, generator())
    rt60_s = decay_s * math.log(1e6)
    assert 0.15 <= rt60_s.min() <= rt60_s.max() <= 0.6
    assert (reverberant <= 1.0).all()  # never louder than the direct sound


def test_masks_hide_bands_and_stretches_with_the_mean():
    features = torch.randn(20, 1, 40, 100)
    masked = clip_changes.spec_augment(features, generator(), 0.2, 0.2)
    changed = (masked != features).squeeze(1)
    assert 0.02 < changed.float().mean() < 0.6
    means = features.mean(dim=(1, 2, 3))
    for clip, hidden, mean in zip(masked.squeeze(1), changed, means, strict=True):
        torch.testing.assert_close(clip[hidden], mean.expand(int(hidden.sum())))
        bands, times = hidden.all(dim=1), hidden.all(dim=0)
        assert torch.equal(hidden, bands[:, None] | times[None, :])
        assert bands.float().mean() <= 0.45
