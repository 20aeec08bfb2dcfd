"""Fixtures of all packages: tiny readers made of harmonics, so that no test needs a dataset."""

from __future__ import annotations

import os
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from lightning_modules.sources_cache import prepare_speech
from lightning_modules.splits import SPLITS, split_of
from tests.wandb_server import Server, wandb_server

os.environ["MPLBACKEND"] = "Agg"
os.environ["WANDB_MODE"] = "offline"

settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")

RATE_HZ = 16_000
READERS = {"train": 11, "validation": 4, "test": 4}
SECONDS = 6


def synthetic_voice(seed: int, seconds: float) -> np.ndarray:
    """A voice-like float [T]: harmonics of a wavering pitch under four syllables a second."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    pitch_hz = rng.uniform(90, 250)
    phase = 2 * np.pi * pitch_hz * (time_s + 0.002 * np.sin(2 * np.pi * rng.uniform(2, 5) * time_s))
    harmonics = np.arange(1, 13)
    loudness = rng.uniform(0.2, 1, len(harmonics)) / harmonics
    tones = (loudness[:, None] * np.sin(harmonics[:, None] * phase)).sum(axis=0)
    syllables = 0.15 + np.abs(np.sin(2 * np.pi * rng.uniform(1.5, 2.5) * time_s))
    return 0.1 * tones * syllables + 1e-4 * rng.standard_normal(len(time_s))


def write_voice(path: Path, seed: int, seconds: float = SECONDS) -> Path:
    """A wav file of `synthetic_voice`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        samples = np.clip(synthetic_voice(seed, seconds), -1, 1) * 32767
        file.writeframes(samples.astype("<i2").tobytes())
    return path


@pytest.fixture(scope="session")
def speech_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder ``<reader>/utterance.wav`` of 19 readers: 11 for training, 4 and 4 for the rest."""
    folder = tmp_path_factory.mktemp("speech")
    wanted = {split: READERS[split] for split in SPLITS}
    number = 0
    while any(wanted.values()):
        reader = f"reader-{number:03d}"
        if wanted[split_of(reader)]:
            wanted[split_of(reader)] -= 1
            write_voice(folder / reader / "utterance.wav", seed=number)
        number += 1
    return folder


@pytest.fixture(scope="session")
def prepared_speech(speech_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`speech_folder` decoded: give it as ``speech`` where decoding is not what is tested."""
    return prepare_speech(str(speech_folder), tmp_path_factory.mktemp("cache")).folder


@pytest.fixture
def wandb_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An account with a server of W&B that is on this machine and knows little."""
    import wandb

    wandb.teardown()  # which forgets the environment of other tests
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    with wandb_server() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        yield server
        wandb.teardown()
