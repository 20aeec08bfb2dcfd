"""Fixtures of the data's tests: voices as arrays, a bank of two rooms, and few open files."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lightning_modules.audio import Int16, to_pcm16
from lightning_modules.rooms_bank import PLACES, RESPONSE_SAMPLES, RoomBank
from tests.conftest import synthetic_voice


@pytest.fixture(scope="session")
def voices() -> list[Int16]:
    """Twelve voices of 3 to 14 s."""
    return [to_pcm16(synthetic_voice(seed, 3 + seed).astype(np.float32)) for seed in range(12)]


@pytest.fixture(scope="session")
def bank() -> RoomBank:
    """Two rooms of decaying noise, RT60 0.3 and 0.5 s."""
    rng = np.random.default_rng(0)
    rt60_s = np.array([0.3, 0.5], np.float32)
    decay = 10 ** (-3 * np.arange(RESPONSE_SAMPLES) / 16_000 / rt60_s[:, None, None])
    responses = rng.standard_normal((2, PLACES, RESPONSE_SAMPLES)) * decay
    responses /= np.sqrt(np.sum(responses**2, axis=-1, keepdims=True))
    return RoomBank(responses.astype(np.float16), rt60_s)


@pytest.fixture
def few_files() -> Iterator[None]:
    """A limit of 40 more open files, as a shell may set it; the system permits more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = len(list(Path("/dev/fd").iterdir())) + 40
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
