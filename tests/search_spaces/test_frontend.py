"""The front end against torchaudio, its invariances, its costs and its lowered form."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torchaudio
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.frontend import RELATIVE_FLOOR, LogMelFrontEnd
from search_spaces.frontend_geometry import (
    BIN_STEPS,
    FINE_MELS,
    HOPS_MS,
    LOWEST_HZ,
    MELS,
    RATES_HZ,
    SCALES,
    WINDOWS_MS,
    FrontEndGeometry,
)
from search_spaces.frontend_layers import frontend_layers
from search_spaces.frontend_weights import dft_groups, mel_filters, used_bins

SHAPES = [
    shape
    for shape in itertools.product(RATES_HZ, HOPS_MS, WINDOWS_MS)
    if shape[0] > min(RATES_HZ) or shape[2] == max(WINDOWS_MS)
]


def speech_like(seed: int, clips: int = 1) -> Tensor:
    """Noise with a falling spectrum and syllables of 4 Hz, root mean square 1, [clips, T]."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(clips, CLIP_SAMPLES, generator=generator)
    tilted = torchaudio.functional.lfilter(
        noise, torch.tensor([1.0, -0.9]), torch.tensor([1.0, 0.0]), clamp=False
    )
    seconds = torch.arange(CLIP_SAMPLES) / SAMPLE_RATE_HZ
    voiced = tilted * (0.05 + torch.sin(2 * torch.pi * 4 * seconds).clamp(min=0.0))
    return voiced / voiced.square().mean(dim=1, keepdim=True).sqrt()


def tone(frequency_hz: float) -> Tensor:
    return torch.sin(2 * torch.pi * frequency_hz * torch.arange(CLIP_SAMPLES) / SAMPLE_RATE_HZ)[
        None
    ]


def torchaudio_energy(samples: Tensor, geometry: FrontEndGeometry) -> Tensor:
    """The same energies by torchaudio's FFT, from samples at the front end's rate."""
    n = geometry.window_samples
    spectrogram = torchaudio.transforms.MelSpectrogram(
        geometry.rate_hz,
        n_fft=n,
        hop_length=geometry.hop_samples,
        f_min=LOWEST_HZ,
        f_max=0.925 * geometry.rate_hz / 2,
        n_mels=geometry.mels,
        center=False,
        norm=None,
        mel_scale="slaney",
    )
    window_energy = torch.hann_window(n).square().sum()
    return spectrogram(samples) / (window_energy * n)


def resampled(waveform: Tensor, geometry: FrontEndGeometry) -> Tensor:
    """What the front end's decimation makes of a waveform, by a long filter."""
    if geometry.decimation == 1:
        return waveform
    samples = torchaudio.functional.resample(
        waveform, 16_000, geometry.rate_hz, lowpass_filter_width=128
    )
    # The centre of the taps lies half a row of them on, 8 samples at the lower rate.
    return samples[:, 8 : 8 + geometry.samples]


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("rate_hz", 11_025, "(4000, 8000, 16000)"),
        ("hop_ms", 12, "(10, 16, 20, 32, 40)"),
        ("window_ms", 25, "(20, 32, 40, 64)"),
        ("mels", 0, "(20, 32, 40, 64)"),
    ],
)
def test_value_not_allowed_is_named(field, value, allowed):
    with pytest.raises(UserError) as error:
        LogMelFrontEnd(**{field: value})
    assert str(error.value) == f"front end: {field} is {value}, allowed: {allowed}"


def test_the_lowest_rate_takes_the_longest_window_alone_and_only_that_fine_bands():
    with pytest.raises(UserError, match=r"window_ms is 32, allowed: \(64,\)"):
        LogMelFrontEnd(4_000, 40, 32, 40)
    with pytest.raises(UserError, match=r"mels is 128, allowed: \(20, 32, 40, 64\)"):
        LogMelFrontEnd(8_000, 20, 32, 128)


def test_bins_are_as_many_as_the_rate_has_room_for():
    with pytest.raises(UserError, match=r"mels is 128, allowed: \(20, 32, 40, 64, 112\)"):
        LogMelFrontEnd(4_000, 40, 64, 128, scale="bins")  # bins 4 to 131, the last at 2047 Hz
    with pytest.raises(UserError, match=r"mels is 128, allowed: \(20, 32, 40, 64\)"):
        LogMelFrontEnd(8_000, 20, 20, 128, scale="bins")
    with pytest.raises(UserError, match=r"mels is 128, allowed: \(20, 32, 40, 64, 112\)"):
        LogMelFrontEnd(8_000, 16, 64, 128, scale="even_bins")  # bins 4 to 258, beyond 3.7 kHz
    assert LogMelFrontEnd(16_000, 20, 20, 128, scale="bins").output_shape() == (1, 128, 250)


@pytest.mark.parametrize("shape", [(CLIP_SAMPLES,), (1, CLIP_SAMPLES - 1), (1, 1, CLIP_SAMPLES)])
def test_waveform_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"waveform is \[.*\], allowed: \[batch, 80000\]"):
        LogMelFrontEnd()(torch.zeros(shape))


@pytest.mark.parametrize(("rate_hz", "hop_ms", "window_ms"), SHAPES)
@pytest.mark.parametrize("scale", SCALES)
def test_every_combination_gives_whole_frames_and_no_empty_band(rate_hz, hop_ms, window_ms, scale):
    mels = FINE_MELS if window_ms == max(WINDOWS_MS) else max(MELS)
    if scale in BIN_STEPS:
        mels = 32  # for which every rate and window has room
    geometry = FrontEndGeometry(rate_hz, hop_ms, window_ms, mels, scale=scale)
    last_end = (geometry.frames - 1) * geometry.hop_samples + geometry.window_samples
    assert last_end <= geometry.samples < last_end + geometry.hop_samples
    assert (mel_filters(geometry).sum(axis=1) > 0.3).all()
    bins = [abs(k) for group in dft_groups(geometry) for k in group.bins]
    assert sorted(bins) == used_bins(geometry)


@pytest.mark.parametrize(("hop_ms", "window_ms"), itertools.product(HOPS_MS, WINDOWS_MS))
def test_energies_at_16_khz_are_those_of_torchaudio(hop_ms, window_ms):
    frontend = LogMelFrontEnd(16_000, hop_ms, window_ms, 32)
    waveform = 0.1 * speech_like(seed=1, clips=2)
    energy = frontend.mel_energy(waveform)
    assert energy.shape == (2, 32, frontend.frames)
    expected = torchaudio_energy(waveform, frontend.geometry)
    torch.testing.assert_close(energy, expected, rtol=1e-3, atol=1e-4 * expected.mean().item())


@pytest.mark.parametrize(
    "shape", [(8_000, 20, 20, 40), (8_000, 16, 32, 40), (8_000, 10, 64, 40), (4_000, 40, 64, 64)]
)
def test_energies_at_a_lower_rate_are_those_of_a_long_resampling_filter(shape):
    frontend = LogMelFrontEnd(*shape)
    waveform = 0.1 * speech_like(seed=2)
    expected = torchaudio_energy(resampled(waveform, frontend.geometry), frontend.geometry)
    energy = frontend.mel_energy(waveform)
    assert energy.shape == expected.shape
    audible = expected > 1e-2 * expected.mean()
    difference_db = 10 * (energy / expected).log10()[audible]
    assert difference_db.abs().mean() < 0.05
    assert difference_db.abs().max() < 1.0


@pytest.mark.parametrize(
    ("shape", "below_db"), [((8_000, 20, 20, 40), -35.0), ((4_000, 40, 64, 128), -33.0)]
)
def test_decimation_folds_nothing_audible_back(shape, below_db):
    frontend = LogMelFrontEnd(*shape)
    heard = frontend.mel_energy(tone(1_000.0)).sum()
    for of_rate in (0.55, 0.625, 0.75, 0.875):
        frequency_hz = of_rate * shape[0]
        folded = frontend.mel_energy(tone(frequency_hz)).sum()
        assert 10 * torch.log10(folded / heard) < below_db, frequency_hz


@pytest.mark.parametrize(
    ("setting", "scale", "first_bin", "step"),
    [
        ((16_000, 20, 40, 128), "bins", 3, 1),
        ((8_000, 20, 40, 128), "bins", 3, 1),
        ((8_000, 16, 64, 64), "bins", 4, 1),
        ((8_000, 16, 64, 112), "even_bins", 4, 2),
        ((8_000, 20, 40, 64), "even_bins", 4, 2),
        ((16_000, 32, 20, 64), "even_bins", 2, 2),  # the lowest is an odd one of the even bins
    ],
)
def test_bands_that_are_bins_are_those_of_torchaudio(setting, scale, first_bin, step):
    frontend = LogMelFrontEnd(*setting, scale=scale)
    mels = frontend.geometry.mels
    waveform = 0.1 * speech_like(seed=9, clips=2)
    samples = resampled(waveform, frontend.geometry)
    n, hop = frontend.geometry.window_samples, frontend.geometry.hop_samples
    power = torchaudio.transforms.Spectrogram(n, n, hop, center=False)(samples)
    expected = power[:, first_bin::step][:, :mels] / (torch.hann_window(n).square().sum() * n)
    energy = frontend.mel_energy(waveform)
    assert energy.shape == expected.shape
    audible = expected > 1e-2 * expected.mean()
    difference_db = 10 * (energy / expected).log10()[audible]
    assert difference_db.abs().mean() < 0.05
    features = torch.log(1 + energy / (RELATIVE_FLOOR * energy.mean(dim=(1, 2), keepdim=True)))
    torch.testing.assert_close(frontend(waveform)[:, 0], features, rtol=0, atol=1e-3)


@given(seed=st.integers(0, 2**31), level_db=st.floats(-50.0, 0.0), shape=st.sampled_from(SHAPES))
@settings(max_examples=25, deadline=None)
def test_gain_does_not_change_the_features(seed, level_db, shape):
    rate_hz, hop_ms, window_ms = shape
    frontend = LogMelFrontEnd(rate_hz, hop_ms, window_ms, 20)
    waveform = speech_like(seed)
    quieter = frontend(waveform * 10 ** (level_db / 20))
    assert (quieter - frontend(waveform)).abs().max() < 1e-3


def test_offset_does_not_change_the_features():
    frontend = LogMelFrontEnd(8_000, 16, 32, 40)
    waveform = 0.05 * speech_like(seed=3)
    torch.testing.assert_close(frontend(waveform + 0.1), frontend(waveform), rtol=0, atol=1e-2)


def test_digital_silence_is_zero_and_faint_noise_stays_bounded():
    frontend = LogMelFrontEnd()
    silence = frontend(torch.zeros(1, CLIP_SAMPLES))
    assert (silence == 0).all()
    noise = torch.randn(1, CLIP_SAMPLES, generator=torch.Generator().manual_seed(0))
    for level_dbfs in (-90, -140):
        features = frontend(noise * 10 ** (level_dbfs / 20))
        assert features.min() >= 0
        assert features.max() < 15


def test_padding_with_silence_keeps_the_sound_and_gives_zeros():
    frontend = LogMelFrontEnd(8_000, 20, 20, 40)
    waveform = 0.1 * speech_like(seed=4)
    padded = waveform.clone()
    padded[:, 48_000:] = 0.0  # three seconds of sound
    features = frontend(padded)[0, 0]
    assert (features[:, 151:] == 0).all()
    shift = features[:, :149] - frontend(waveform)[0, 0, :, :149]
    loud = features[:, :149] > 7.0  # far above the relative floor the mean only shifts
    assert shift[loud].std() < 0.02


def test_features_at_the_mean_energy_match_their_documented_value():
    frontend = LogMelFrontEnd(16_000, 20, 32, 20)
    waveform = 0.1 * speech_like(seed=5)
    energy = frontend.mel_energy(waveform)
    expected = torch.log(1 + energy / (RELATIVE_FLOOR * energy.mean()))
    torch.testing.assert_close(frontend(waveform)[:, 0], expected, rtol=0, atol=1e-3)
    assert np.log(1 + 1 / RELATIVE_FLOOR) == pytest.approx(9.2, abs=0.02)


def test_a_click_and_a_tone_appear_where_they_should():
    frontend = LogMelFrontEnd(16_000, 20, 20, 40)
    click = torch.zeros(1, CLIP_SAMPLES)
    click[0, 40_000 + 160] = 1.0  # the middle of frame 125
    assert frontend(click)[0, 0].sum(dim=0).argmax() == 125
    band = int(frontend(tone(1_000.0))[0, 0].mean(dim=1).argmax())
    centre = mel_filters(frontend.geometry)[band].argmax() * 50
    assert abs(centre - 1_000) <= 50


def test_a_batch_is_its_clips():
    frontend = LogMelFrontEnd()
    waveform = 0.1 * speech_like(seed=6, clips=3)
    each = torch.cat([frontend(clip[None]) for clip in waveform])
    torch.testing.assert_close(frontend(waveform), each, rtol=0, atol=1e-4)


def test_autocast_leaves_the_front_end_in_float32():
    frontend = LogMelFrontEnd()
    waveform = 0.1 * speech_like(seed=7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = frontend(waveform)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features, frontend(waveform), rtol=0, atol=0)


def test_nothing_is_learnt_or_saved():
    frontend = LogMelFrontEnd()
    assert frontend.state_dict() == {}
    assert list(frontend.parameters()) == []


@pytest.mark.parametrize(
    ("shape", "scale"),
    [
        ((8_000, 20, 20, 40), "mel"),
        ((8_000, 10, 64, 20), "mel"),
        ((16_000, 16, 32, 64), "linear"),
        ((4_000, 40, 64, 128), "linear"),
        ((8_000, 20, 40, 128), "bins"),
        ((8_000, 16, 64, 112), "even_bins"),
    ],
)
def test_layers_count_the_products_that_run(shape, scale):
    frontend = LogMelFrontEnd(*shape, scale=scale)
    with FlopCounterMode(display=False) as counter:
        frontend(torch.zeros(1, CLIP_SAMPLES))
    layers = frontend_layers(frontend.geometry)
    assert sum(layer.macs for layer in layers) == counter.get_total_flops() // 2
    assert sum(layer.params for layer in layers) == 0
    weights = {name: buffer.numel() for name, buffer in frontend.named_buffers()}
    for layer in layers:
        name = layer.name.removeprefix("frontend.")
        assert weights.get(name, 0) == layer.weight_elements


def test_layers_by_hand():
    macs = {
        layer.name: layer.macs for layer in frontend_layers(FrontEndGeometry(8_000, 20, 20, 40))
    }
    # 2500 rows of 32 samples to 16; 249 frames of 160 samples at 50 Hz a bin, bins 2..73
    assert macs["frontend.taps_here"] == macs["frontend.taps_following"] == 2_500 * 32 * 16
    # 36 odd bins: two complex halves of 18, real and imaginary 36 -> 48; 80 numbers -> 40 each
    assert macs["frontend.dft_0"] == macs["frontend.dft_1"] == 249 * 40 * 48
    # 18 bins 2 modulo 4 and 18 bins 0 modulo 4, each of 40 numbers
    assert macs["frontend.dft_2"] == macs["frontend.dft_3"] == 249 * 40 * 48
    assert macs["frontend.mel"] == 249 * 72 * 48  # 40 bands and their mean, 41 -> 48
    assert macs["frontend.average"] == 249


@pytest.mark.parametrize(
    ("shape", "scale"),
    [
        ((8_000, 20, 32, 40), "mel"),
        ((4_000, 40, 64, 128), "linear"),  # decimate, pad, join pieces, rotate
        ((8_000, 20, 40, 128), "bins"),
        ((8_000, 16, 64, 112), "even_bins"),
    ],
)
def test_lowered_whole_and_equal_to_eager(shape, scale, tmp_path):
    from deploy.engine import Engine
    from deploy.export import lower_program, ready_to_lower

    frontend = LogMelFrontEnd(*shape, scale=scale)
    waveform = 0.3 * speech_like(seed=8)
    lowered = lower_program(ready_to_lower(frontend), waveform)
    assert lowered.delegation.share == 1.0
    assert lowered.delegation.delegates == 1
    model = tmp_path / "frontend.pte"
    model.write_bytes(lowered.program)
    engine = Engine(model)
    for level_db in (0.0, -17.0, -50.0, -400.0):
        clip = waveform * 10 ** (level_db / 20)
        torch.testing.assert_close(engine.run_tensor(clip), frontend(clip), rtol=1e-5, atol=1e-4)


def test_a_clip_of_another_length_has_fewer_frames_of_the_same_features():
    long, short = LogMelFrontEnd(8_000, 20, 32, 20), LogMelFrontEnd(8_000, 20, 32, 20, 16_000)
    sound = torch.randn(1, CLIP_SAMPLES, generator=torch.Generator().manual_seed(0))
    frames = short.frames
    assert frames == 49  # of 7984 samples at 8 kHz
    torch.testing.assert_close(
        short.mel_energy(sound[:, :16_000]), long.mel_energy(sound)[..., :frames], rtol=1e-3, atol=0
    )
    with pytest.raises(ValueError, match=r"waveform is \[1, 80000\], allowed: \[batch, 16000\]"):
        short(sound)
    with pytest.raises(UserError, match=r"clip_samples is 16001, allowed: multiples of 64 from"):
        LogMelFrontEnd(8_000, 20, 32, 20, 16_001)
