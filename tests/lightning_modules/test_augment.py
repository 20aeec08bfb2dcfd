from __future__ import annotations

import math

import torch

from lightning_modules import augment

T = 80_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_shift_keeps_every_sample_and_their_order():
    waveform = torch.randn(3, 100)
    shifted = augment.circular_shift(waveform, generator())
    for before, after in zip(waveform, shifted, strict=True):
        offsets = [k for k in range(100) if torch.equal(before.roll(-k), after)]
        assert len(offsets) == 1
    assert not torch.equal(waveform, shifted)


def test_levels_are_within_range_and_silence_stays_silent():
    waveform = torch.cat([torch.randn(50, 400) * 3, torch.zeros(1, 400)])
    peak_db = 20 * torch.log10(augment.random_level(waveform, generator()).abs().amax(dim=1))
    assert (peak_db[:-1] >= -50.01).all()
    assert (peak_db[:-1] <= 0.01).all()
    assert peak_db[:-1].std() > 5
    assert peak_db[-1] == -math.inf


def test_strong_augmentation_keeps_silence_finite_and_follows_its_generator():
    waveform = torch.cat([torch.randn(3, T), torch.zeros(1, T)])
    first = augment.strong_augment(waveform, generator(1))
    again = augment.strong_augment(waveform, generator(1))
    other = augment.strong_augment(waveform, generator(2))
    assert first.shape == waveform.shape
    assert torch.equal(first, again)
    assert not torch.equal(first[:3], other[:3])
    assert first.isfinite().all()
    assert first[3].abs().max() == 0


def test_noise_has_the_signal_to_noise_ratio_asked_for():
    time = torch.arange(T) / 16_000
    tone = torch.sin(2 * math.pi * 1000 * time).expand(8, T)
    noisy = augment.strong_augment(
        tone,
        generator(),
        noise_snr_db=(10.0, 10.0),
        noise_probability=1.0,
        equaliser_probability=0.0,
        room_probability=0.0,
    )
    snr_db = 10 * torch.log10(tone.square().mean(dim=1) / (noisy - tone).square().mean(dim=1))
    torch.testing.assert_close(snr_db, torch.full((8,), 10.0), atol=0.5, rtol=0)


def test_nothing_chosen_changes_nothing():
    waveform = torch.randn(2, T)
    same = augment.strong_augment(
        waveform,
        generator(),
        noise_probability=0.0,
        equaliser_probability=0.0,
        room_probability=0.0,
    )
    torch.testing.assert_close(same, waveform, atol=1e-5, rtol=0)


def test_a_filter_has_the_spread_asked_for():
    gain_db = 20 * torch.log10(augment.equaliser_gain(200, 2000, 6.0, generator()))
    assert gain_db.shape == (200, 1001)
    assert 4.0 < gain_db.std() < 7.0  # less between the knots


def test_room_responses_begin_with_the_direct_sound_and_decay():
    response = augment.room_responses(16, generator())
    assert (response[:, 0] == 1).all()
    early = response[:, 100:1100].square().mean()
    late = response[:, -1000:].square().mean()
    assert late < early / 10
    reverberant = response[:, 1:].square().sum(dim=1)
    assert (reverberant <= 1.001).all()  # never louder than the direct sound
    assert (reverberant >= 10**-1.51).all()


def test_masks_hide_bands_and_stretches_with_the_mean():
    features = torch.randn(20, 1, 40, 100)
    masked = augment.spec_augment(features, generator())
    changed = (masked != features).squeeze(1)
    assert 0.02 < changed.float().mean() < 0.6
    means = features.mean(dim=(1, 2, 3))
    for clip, hidden, mean in zip(masked.squeeze(1), changed, means, strict=True):
        torch.testing.assert_close(clip[hidden], mean.expand(int(hidden.sum())))
        bands, times = hidden.all(dim=1), hidden.all(dim=0)
        assert torch.equal(hidden, bands[:, None] | times[None, :])
        assert bands.float().mean() <= 0.45
