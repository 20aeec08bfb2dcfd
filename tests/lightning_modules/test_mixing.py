from __future__ import annotations

import pytest
import torch

from lightning_modules.ingredients import Mixing
from lightning_modules.mixing import cutmix, draw_shares, mixup
from search_spaces.errors import UserError


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_mixup_has_the_energies_of_both_in_their_shares():
    draw = generator()
    first, second = (
        torch.randn(1, 50_000, generator=draw),
        9 * torch.randn(1, 50_000, generator=draw),
    )
    mixed = mixup(first, second, torch.tensor([0.8]))
    assert mixed.square().mean().item() == pytest.approx(first.square().mean().item(), rel=0.05)
    part = (mixed * first).mean() / first.square().mean()
    assert part.item() == pytest.approx(0.8**0.5, abs=0.02)


def test_cutmix_replaces_one_stretch():
    first, second = torch.full((1, 1000), 1.0), torch.full((1, 1000), -3.0)
    clip = cutmix(first, second, torch.tensor([0.7]), generator())[0]
    inside = clip < 0
    assert inside.sum().item() == pytest.approx(300, abs=1)
    assert torch.diff(inside.int()).abs().sum() <= 2
    assert clip[inside].tolist() == pytest.approx([-1.0] * int(inside.sum()))  # of the same power


def test_shares_are_of_the_first_clip_at_least_a_half():
    shares = draw_shares(500, 0.5, generator())
    assert ((shares >= 0.5) & (shares <= 1.0)).all()
    assert 0.7 < shares.mean() < 0.95


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_a_share_of_the_clips_is_mixed_and_so_are_their_labels(kind: str):
    target = torch.eye(4)
    view = Mixing(enabled=True, kind=kind, share=0.5).view(torch.randn(4, 100), target, generator())
    assert view.waveform.shape == (2, 100)
    torch.testing.assert_close(view.target.sum(dim=1), torch.ones(2))
    assert (view.target.diagonal() >= 0.5).all()
    assert Mixing().view(torch.randn(4, 100), target, generator()) is None


def test_values_out_of_range_are_refused():
    with pytest.raises(UserError, match=r"model.mixing.share: got 2, expected 0.0 to 1.0"):
        Mixing(share=2)
