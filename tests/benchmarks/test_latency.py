from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.latency import MODELS_FOLDER, aims
from deploy.bundle import read_bundle

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("model", "fp32", "int8"),
    [
        ("sam", ("< 1.5 ms", None), ("< 0.9 ms", "<= 150 kB")),
        ("sam-base", (None, None), ("< 0.5 ms", None)),
    ],
)
def test_aims_are_those_of_the_models_page(
    model: str, fp32: tuple[str | None, ...], int8: tuple[str | None, ...]
):
    bundle = read_bundle(ROOT / MODELS_FOLDER / model)
    assert (aims(bundle, "fp32"), aims(bundle, "int8")) == (fp32, int8)
