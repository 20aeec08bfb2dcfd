"""Stateless random draws: a generator follows from (seed, step, purpose), so resumes are exact."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import torch

Draws = Callable[[str], torch.Generator]  # a generator for each purpose


def derived_seed(seed: int, step: int, purpose: str) -> int:
    """A 63-bit seed that depends on all three arguments and on nothing else."""
    digest = hashlib.blake2b(f"{seed}/{step}/{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def torch_generator(
    seed: int, step: int, purpose: str, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A torch generator on ``device`` for one purpose of one training step."""
    return torch.Generator(device=device).manual_seed(derived_seed(seed, step, purpose))


def numpy_generator(seed: int, step: int, purpose: str) -> np.random.Generator:
    """A numpy generator for one purpose of one training step."""
    return np.random.default_rng(derived_seed(seed, step, purpose))
