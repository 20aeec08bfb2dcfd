"""Weak and strong augmentation of a batch, on its device; none of it changes the count.

B batch, T samples, F mel bands, L frames.
The weak one works on waveforms. The strong one works on the energies of the log-mel features, where
a filter is a product, a room a decay and noise a sum: a hundredth of the cost of the same on
waveforms.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from lightning_modules.sap_augment import Strengths
from search_spaces.clip import CLIP_SECONDS
from search_spaces.frontend import RELATIVE_FLOOR

LEVEL_DBFS = (-50.0, 0.0)  # of a clip's peak after augmentation
EQUALISER_KNOTS = 8  # equally spaced on the mel scale
NOISE_COLOUR_DB = 6.0  # standard deviation of the noise's spectrum at the knots
ROOM_RT60_S = (0.15, 0.6)
ROOM_DIRECT_TO_REVERBERANT_DB = (0.0, 15.0)
MASKS = 2  # per axis


def uniform(size: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    """Uniform draws in [low, high) on the generator's device."""
    return low + (high - low) * torch.rand(size, generator=generator, device=generator.device)


def are_features(clips: Tensor) -> bool:
    """Whether clips are features [B, 1, F, L], not waveforms [B, T] (`data.held_features`)."""
    return clips.dim() == 4


def circular_shift(clips: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate each clip [B, ..., T] in time by a random number of samples, or of frames."""
    batch, length = clips.shape[0], clips.shape[-1]
    start = torch.randint(0, length, (batch,), generator=generator, device=clips.device)
    # Copies of slices: nine times as fast on a CPU as gathering from an unfolded view.
    parts = zip(clips, start.tolist(), strict=True)
    return torch.stack([torch.cat([c[..., first:], c[..., :first]], dim=-1) for c, first in parts])


def speed_perturb(
    waveform: Tensor, widest: float, generator: torch.Generator, restart: bool = True
) -> Tensor:
    """Play each clip at a random speed, which changes pitch, formants and tempo: another voice.

    Ko et al., "Audio augmentation for speech recognition", 2015, section 3.2; by linear
    interpolation, which dulls the topmost octave.

    Args:
        waveform: float32 [B, T].
        widest: speeds lie between ``1 / (1 + widest)`` and ``1 + widest``, evenly in their log.
        generator: on the device of ``waveform``.
        restart: a fast clip begins again at its end, and a slow one loses its end: right for sound
            that goes on. Else silence follows a fast one, and a slow one keeps the stretch that is
            loudest: a word stays whole and alone.

    Returns:
        float32 [B, T].
    """
    bound = math.log1p(widest)
    speeds = torch.exp(uniform((len(waveform),), -bound, bound, generator)).tolist()
    samples = waveform.shape[1]
    played = []
    for clip, speed in zip(waveform, speeds, strict=True):
        resampled = functional.interpolate(
            clip[None, None], size=round(samples / speed), mode="linear", align_corners=False
        )[0, 0]
        missing = samples - len(resampled)
        if missing > 0:
            rest = resampled[:missing] if restart else resampled.new_zeros(missing)
            played.append(torch.cat([resampled, rest]))
        else:
            start = 0 if restart else loudest_stretch(resampled, samples)
            played.append(resampled[start : start + samples])
    return torch.stack(played)


def loudest_stretch(sound: Tensor, samples: int) -> int:
    """Where the ``samples`` of ``sound`` [at least as many] begin that hold most energy."""
    energy = functional.pad(sound.double().square().cumsum(0), (1, 0))
    return int((energy[samples:] - energy[:-samples]).argmax())


def random_level(waveform: Tensor, generator: torch.Generator) -> Tensor:
    """Set each clip's peak to a random level in `LEVEL_DBFS`; silence stays silent. [B, T].

    Features [B, 1, F, L], which say nothing of the level, stay as they are.
    """
    if are_features(waveform):
        return waveform
    lowest, highest = waveform.amin(dim=1, keepdim=True), waveform.amax(dim=1, keepdim=True)
    peak = torch.maximum(highest, -lowest).clamp_min(1e-8)
    level_db = uniform((waveform.shape[0], 1), *LEVEL_DBFS, generator)
    return waveform * (10 ** (level_db / 20) / peak)


def strong_augment(
    features: Tensor,
    generator: torch.Generator,
    *,
    noise_snr_db: tuple[float, float],
    noise_probability: float,
    equaliser_db: float,
    equaliser_probability: float,
    room_probability: float,
    clip_seconds: float = CLIP_SECONDS,
    strengths: Strengths | None = None,
) -> Tensor:
    """Filter, put into a synthetic room, add coloured noise: each at random.

    Args:
        features: float32 [B, 1, F, L] of `LogMelFrontEnd`.
        generator: on the device of ``features``.
        noise_snr_db, noise_probability, equaliser_db, equaliser_probability, room_probability: see
            `augmentations.StrongAugmentation`.
        clip_seconds: length of a clip.
        strengths: of each clip, by which gain (in dB), reverberation and noise are multiplied; None
            for full strength.

    Returns:
        Features of the changed sound, float32 [B, 1, F, L].
    """
    bands, frames = features.shape[2:]
    # What is drawn per clip comes first: it is then the same for every front end.
    filtered, placed, noisy = (
        choose(len(features), share, generator)
        for share in (equaliser_probability, room_probability, noise_probability)
    )
    gain = smooth_gain(len(filtered), bands, equaliser_db, generator)
    decay_s, reverberant = room_decays(len(placed), generator)
    colour = smooth_gain(len(noisy), bands, NOISE_COLOUR_DB, generator)
    snr_db = uniform((len(noisy), 1, 1, 1), *noise_snr_db, generator)
    if strengths is not None:
        gain = gain ** strengths.equaliser[filtered][:, None, None, None]
        reverberant = reverberant * strengths.room[placed]
        snr_db = snr_db - 10 * strengths.noise[noisy][:, None, None, None].clamp_min(1e-9).log10()

    energy = torch.expm1(features)
    energy[filtered] *= gain
    if len(placed):  # the FFT refuses an empty batch
        energy[placed] = reverberate(energy[placed], decay_s, reverberant, clip_seconds)
    noise = colour * noise_energy((len(noisy), 1, bands, frames), generator)
    energy[noisy] += noise * (clip_mean(energy[noisy]) / clip_mean(noise) * 10 ** (-snr_db / 10))
    return torch.log1p(energy / (RELATIVE_FLOOR * clip_mean(energy)).clamp_min(1e-12))


def choose(batch: int, share: float, generator: torch.Generator) -> Tensor:
    """Indices, int64 [share * B], of a random ``share`` of the clips."""
    order = torch.randperm(batch, generator=generator, device=generator.device)
    return order[: round(share * batch)]


def clip_mean(energy: Tensor) -> Tensor:
    """Mean over bands and frames: [B, 1, F, L] to [B, 1, 1, 1]."""
    return energy.mean(dim=(1, 2, 3), keepdim=True)


def smooth_gain(batch: int, bands: int, deviation_db: float, generator: torch.Generator) -> Tensor:
    """Random smooth curves over the bands: power gains [B, 1, F, 1], piecewise linear in dB."""
    device = generator.device
    knots = deviation_db * torch.randn(
        batch, 1, EQUALISER_KNOTS, generator=generator, device=device
    )
    gain_db = functional.interpolate(knots, size=bands, mode="linear", align_corners=True)
    return (10 ** (gain_db / 10))[..., None]


def room_decays(batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rooms: time constants of the energy in s, and reverberant over direct energy; [B] each."""
    rt60_s = uniform((batch,), *ROOM_RT60_S, generator)
    direct_db = uniform((batch,), *ROOM_DIRECT_TO_REVERBERANT_DB, generator)
    return rt60_s / math.log(1e6), 10 ** (-direct_db / 10)


def reverberate(
    energy: Tensor, decay_s: Tensor, reverberant: Tensor, clip_seconds: float = CLIP_SECONDS
) -> Tensor:
    """Spread energy over later frames as a room does; circular in time.

    A room response of exponentially decaying noise (Polack 1988) adds to each frame the energy of
    earlier ones, decaying exponentially; phases are random and their cross terms zero on average.

    Args:
        energy: [B, 1, F, L].
        decay_s: [B], time in which the energy falls by e.
        reverberant: [B], energy of the whole tail over that of the direct sound.
        clip_seconds: time of L frames.
    """
    frames = energy.shape[-1]
    time_s = torch.arange(frames, device=energy.device) * (clip_seconds / frames)
    tail = torch.exp(-time_s / decay_s[:, None])
    response = tail * (reverberant[:, None] / tail.sum(dim=1, keepdim=True))
    response[:, 0] += 1.0
    spectrum = torch.fft.rfft(energy) * torch.fft.rfft(response)[:, None, None, :]
    return torch.fft.irfft(spectrum, n=frames).clamp_min(0.0)


def noise_energy(size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Energies, float32 of this size, of white noise in bands of two bins: gamma, mean 1."""
    draws = torch.rand((2, *size), generator=generator, device=generator.device)
    return -0.5 * torch.log(draws.clamp_min(1e-7)).sum(dim=0)


def spec_augment(
    features: Tensor,
    generator: torch.Generator,
    widest_band: float,
    widest_time: float,
    strength: Tensor | None = None,
) -> Tensor:
    """Mask random bands of frequency and stretches of time with the clip's mean.

    Park et al., "SpecAugment", 2019, section 2; without time warping.

    Args:
        features: float32 [B, 1, F, L].
        generator: on the device of ``features``.
        widest_band: widest mask as a share of F.
        widest_time: widest mask as a share of L.
        strength: [B], by which the widths are multiplied; None for 1.

    Returns:
        [B, 1, F, L].
    """
    batch, _, bands, frames = features.shape
    hidden = torch.zeros(batch, 1, 1, 1, dtype=torch.bool, device=features.device)
    for length, widest, axis in ((bands, widest_band, -2), (frames, widest_time, -1)):
        place = torch.arange(length, device=features.device)
        width = uniform((batch, MASKS, 1), 0.0, widest * length, generator)
        if strength is not None:
            width = width * strength[:, None, None]
        start = uniform((batch, MASKS, 1), 0.0, 1.0, generator) * (length - width)
        inside = ((place >= start) & (place < start + width)).any(dim=1)  # [B, length]
        hidden = hidden | inside[:, None, :, None].transpose(-2, axis)
    return torch.where(hidden, clip_mean(features), features)
