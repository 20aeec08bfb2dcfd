"""What is known of NNI's NAS strategies without importing NNI, which takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SampleKey = frozenset[tuple[str, Any]]

NNI_STRATEGIES = ("evolution", "random", "tpe")  # as made by `nni_adapter.STRATEGIES`


def population_of(nets: int) -> int:
    """Population of the evolution that looks at so many nets."""
    return max(5, nets // 5)


def sample_key(sample: Mapping[str, Any]) -> SampleKey:
    """What is equal for two samples (a choice by dimension) of one net."""
    return frozenset(sample.items())
