from __future__ import annotations

import torch

from lightning_modules.randomness import derived_seed, numpy_generator, torch_generator


def test_every_argument_matters_and_nothing_else():
    seeds = {
        derived_seed(seed, step, purpose)
        for seed in range(3)
        for step in range(20)
        for purpose in ("weak", "strong")
    }
    assert len(seeds) == 120
    assert derived_seed(1, 2, "weak") == derived_seed(1, 2, "weak")


def test_generators_repeat_and_leave_the_global_state_alone():
    state = torch.get_rng_state()
    first = torch.rand(3, generator=torch_generator(1, 2, "weak"))
    again = torch.rand(3, generator=torch_generator(1, 2, "weak"))
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), state)
    assert numpy_generator(1, 2, "x").random() == numpy_generator(1, 2, "x").random()
