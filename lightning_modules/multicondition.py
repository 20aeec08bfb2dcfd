"""Protocols of several: each clip is mixed by one of them, drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lightning_modules.audio import Int16
from lightning_modules.mixtures_noise import NoiseBank
from lightning_modules.mixtures_parts import Mix, MixtureProtocol


class MultiCondition:
    """A clip of any of the protocols, all equally likely (multi-condition training).

    Args:
        name: of the protocol.
        protocols: what the clips are mixed by.
    """

    def __init__(self, name: str, protocols: Sequence[MixtureProtocol]) -> None:
        self.name = name
        self._protocols = protocols

    def mix(
        self,
        rng: np.random.Generator,
        voices: Sequence[Int16],
        max_count: int,
        noise: NoiseBank,
    ) -> Mix:
        """See `MixtureProtocol.mix`."""
        chosen = self._protocols[int(rng.integers(len(self._protocols)))]
        return chosen.mix(rng, voices, max_count, noise)
