"""New labelled clips out of two: mixed throughout (mixup), or spliced in time (CutMix).

B clips, T samples, N outputs. Labels become probabilities, in the share of each clip.
"""

from __future__ import annotations

import torch
from torch import Tensor


def mixup(waveform: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """Weighted sums of clips [B, T] of equal power, by ``share`` [B] of the first.

    The amplitudes are such that energies have the shares, as of sounds that do not cohere
    (Tokozume et al. 2018, "Learning from between-class examples", section 3.2).
    """
    first, second = (clip / _rms(clip) for clip in (waveform, partner))
    mixed = share[:, None].sqrt() * first + (1.0 - share[:, None]).sqrt() * second
    return mixed * _rms(waveform)


def cutmix(waveform: Tensor, partner: Tensor, share: Tensor, generator: torch.Generator) -> Tensor:
    """Clips [B, T] whose stretch of ``1 - share`` [B] is the partner's (Yun et al. 2019)."""
    batch, samples = waveform.shape
    place = torch.arange(samples, device=waveform.device)
    length = (1.0 - share) * samples
    draw = torch.rand(batch, generator=generator, device=waveform.device)
    start = draw * (samples - length)
    inside = (place >= start[:, None]) & (place < (start + length)[:, None])
    return torch.where(inside, partner * (_rms(waveform) / _rms(partner)), waveform)


def draw_shares(number: int, alpha: float, generator: torch.Generator) -> Tensor:
    """Shares [number] of the first clip, at least a half: Beta(alpha, alpha) (Zhang et al. 2018).

    As the share of one gamma draw in two; torch's own distributions take no generator.
    """
    shape = torch.full((number,), alpha, device=generator.device)
    first, second = (torch._standard_gamma(shape, generator=generator) for _ in range(2))
    share = first / (first + second).clamp_min(1e-12)
    return torch.maximum(share, 1.0 - share)


def _rms(waveform: Tensor) -> Tensor:
    """[B, T] to [B, 1], above 0."""
    return waveform.square().mean(dim=1, keepdim=True).sqrt().clamp_min(1e-6)
