from __future__ import annotations

from functools import partial

import torch

from lightning_modules.augmentations import StrongAugmentation
from lightning_modules.randomness import torch_generator


def test_masks_hide_the_same_bands_and_stretches_of_every_front_end():
    strong = StrongAugmentation(
        noise_probability=1.0,
        equaliser_probability=0.0,
        room_probability=0.0,
        widest_band=0.5,
        widest_time=0.5,
    )
    draws, chosen = partial(torch_generator, 1, 0), torch.arange(8)
    fine, coarse = (
        hidden_cells(strong.features(torch.rand(8, 1, *size), chosen, draws))
        for size in ((64, 200), (32, 100))
    )
    assert 0.2 < fine.float().mean() < 0.8
    apart = fine != coarse.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    assert apart.float().mean() < 0.05  # by a band or frame at the edges


def hidden_cells(features: torch.Tensor) -> torch.Tensor:
    """Where clips [B, 1, F, L] hold one and the same value, their mean: bool [B, F, L]."""
    value = features.flatten(1).mode(dim=1).values
    return features[:, 0] == value[:, None, None]
