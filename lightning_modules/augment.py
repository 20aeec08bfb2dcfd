"""Weak and strong augmentation of a batch, on its device; none of it changes the count.

B batch, T samples, K bins of the real FFT (T // 2 + 1), F mel bands, L frames.
The strong one works on the spectrum of the whole clip, so that filter, room and noise cost one FFT
there and back together; its convolutions are circular.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from search_spaces.clip import SAMPLE_RATE_HZ

LEVEL_DBFS = (-50.0, 0.0)  # of a clip's peak after augmentation
EQUALISER_KNOTS = 10  # equally spaced on a logarithmic frequency axis
LOWEST_HZ = 50.0  # of filters and noise
ROOM_SECONDS = 0.5  # length of the synthetic room responses
ROOM_RT60_S = (0.15, 0.6)
ROOM_DIRECT_TO_REVERBERANT_DB = (0.0, 15.0)
ROOMS_PER_BATCH = 8
NOISE_EXPONENT = (0.0, 2.0)  # power falls with frequency to this power: white to brown


def uniform(size: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    """Uniform draws in [low, high) on the generator's device."""
    return low + (high - low) * torch.rand(size, generator=generator, device=generator.device)


def circular_shift(waveform: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate each clip in time by a random number of samples; [B, T] to [B, T]."""
    batch, samples = waveform.shape
    start = torch.randint(0, samples, (batch,), generator=generator, device=waveform.device)
    windows = torch.cat([waveform, waveform], dim=1).unfold(1, samples, 1)  # a view
    return windows[torch.arange(batch, device=waveform.device), start]


def random_level(waveform: Tensor, generator: torch.Generator) -> Tensor:
    """Set each clip's peak to a random level in `LEVEL_DBFS`; silence stays silent. [B, T]."""
    peak = waveform.abs().amax(dim=1, keepdim=True).clamp_min(1e-8)
    level_db = uniform((waveform.shape[0], 1), *LEVEL_DBFS, generator)
    return waveform * (10 ** (level_db / 20) / peak)


def strong_augment(
    waveform: Tensor,
    generator: torch.Generator,
    noise_snr_db: tuple[float, float] = (5.0, 35.0),
    equaliser_db: float = 6.0,
    noise_probability: float = 0.5,
    equaliser_probability: float = 0.5,
    room_probability: float = 0.5,
) -> Tensor:
    """Filter, put into a synthetic room, add coloured noise: each at random.

    Args:
        waveform: float32 [B, T].
        generator: on the device of ``waveform``.
        noise_snr_db: range of the signal to noise ratio of the added noise.
        equaliser_db: standard deviation of the filter's gain at its knots.
        noise_probability: share of the clips that get noise; likewise the next two.
        equaliser_probability: see above.
        room_probability: see above.

    Returns:
        float32 [B, T].
    """
    batch, samples = waveform.shape
    spectrum = torch.fft.rfft(waveform)

    def chosen(probability: float) -> Tensor:
        draw = torch.rand(batch, 1, generator=generator, device=waveform.device)
        return draw < probability

    gain = equaliser_gain(batch, samples, equaliser_db, generator)
    spectrum = spectrum * torch.where(chosen(equaliser_probability), gain, 1.0)
    rooms = torch.fft.rfft(room_responses(ROOMS_PER_BATCH, generator), n=samples)
    which = torch.randint(0, len(rooms), (batch,), generator=generator, device=waveform.device)
    spectrum = torch.where(chosen(room_probability), spectrum * rooms[which], spectrum)

    noise = coloured_noise_spectrum(batch, samples, generator)
    snr_db = uniform((batch, 1), *noise_snr_db, generator)
    amplitude = mean_power(spectrum).sqrt() * 10 ** (-snr_db / 20) * chosen(noise_probability)
    spectrum = spectrum + noise * amplitude
    return torch.fft.irfft(spectrum, n=samples)


def mean_power(spectrum: Tensor) -> Tensor:
    """Mean squared magnitude over the bins: complex [B, K] to [B, 1]."""
    return torch.view_as_real(spectrum).square().sum(dim=-1).mean(dim=1, keepdim=True)


def equaliser_gain(
    batch: int, samples: int, deviation_db: float, generator: torch.Generator
) -> Tensor:
    """Random smooth filters: gain per bin [B, K], piecewise linear in dB over log frequency."""
    device = generator.device
    frequency_hz = torch.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ, device=device)
    octave = torch.log2(frequency_hz.clamp_min(LOWEST_HZ) / LOWEST_HZ)
    position = octave / octave[-1] * (EQUALISER_KNOTS - 1)
    left = position.floor().long().clamp_max(EQUALISER_KNOTS - 2)
    fraction = position - left
    knots = deviation_db * torch.randn(batch, EQUALISER_KNOTS, generator=generator, device=device)
    gain_db = torch.lerp(knots[:, left], knots[:, left + 1], fraction)
    return torch.exp(gain_db * (math.log(10) / 20))


def room_responses(number: int, generator: torch.Generator) -> Tensor:
    """Synthetic room responses: a direct impulse, then exponentially decaying noise.

    Polack's statistical model (1988): the envelope falls by 60 dB in one RT60.

    Returns:
        float32 [number, ROOM_SECONDS * rate]; the direct sound is 1 at sample 0.
    """
    device = generator.device
    length = int(ROOM_SECONDS * SAMPLE_RATE_HZ)
    time_s = torch.arange(length, device=device) / SAMPLE_RATE_HZ
    rt60_s = uniform((number, 1), *ROOM_RT60_S, generator)
    tail = torch.randn(number, length, generator=generator, device=device)
    tail = tail * torch.exp(-3 * math.log(10) * time_s / rt60_s)
    tail[:, : int(0.002 * SAMPLE_RATE_HZ)] = 0.0  # nothing arrives before the first reflections
    direct_db = uniform((number, 1), *ROOM_DIRECT_TO_REVERBERANT_DB, generator)
    energy = tail.square().sum(dim=1, keepdim=True)
    response = tail * (10 ** (-direct_db / 20) / energy.sqrt())
    response[:, 0] = 1.0
    return response


def coloured_noise_spectrum(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Spectrum of noise between white and brown, mean squared magnitude 1: complex64 [B, K]."""
    device = generator.device
    frequency_hz = torch.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ, device=device)
    audible = frequency_hz >= LOWEST_HZ  # else brown noise would be little but an offset
    exponent = uniform((batch, 1), *NOISE_EXPONENT, generator)
    shape = torch.exp(-0.5 * exponent * torch.log(frequency_hz.clamp_min(LOWEST_HZ))) * audible
    noise = torch.randn(batch, len(frequency_hz), 2, generator=generator, device=device)
    spectrum = torch.view_as_complex(noise) * shape
    return spectrum / mean_power(spectrum).sqrt()


def spec_augment(
    features: Tensor,
    generator: torch.Generator,
    masks: int = 2,
    widest_band: float = 0.2,
    widest_time: float = 0.2,
) -> Tensor:
    """Mask random bands of frequency and stretches of time with the clip's mean.

    Park et al., "SpecAugment", 2019, section 2; without time warping.

    Args:
        features: float32 [B, 1, F, L].
        generator: on the device of ``features``.
        masks: masks per axis.
        widest_band: widest mask as a share of F.
        widest_time: widest mask as a share of L.

    Returns:
        [B, 1, F, L].
    """
    batch, _, bands, frames = features.shape
    hidden = torch.zeros(batch, 1, 1, 1, dtype=torch.bool, device=features.device)
    for length, widest, axis in ((bands, widest_band, -2), (frames, widest_time, -1)):
        place = torch.arange(length, device=features.device)
        width = uniform((batch, masks, 1), 0.0, widest * length, generator)
        start = uniform((batch, masks, 1), 0.0, 1.0, generator) * (length - width)
        inside = ((place >= start) & (place < start + width)).any(dim=1)  # [B, length]
        hidden = hidden | inside[:, None, :, None].transpose(-2, axis)
    return torch.where(hidden, features.mean(dim=(1, 2, 3), keepdim=True), features)
