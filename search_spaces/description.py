"""A space in words and figures, for `python -m search_spaces describe`."""

from __future__ import annotations

from search_spaces.architecture import largest, smallest
from search_spaces.cost import costs
from search_spaces.space import SpaceSpec


def describe(spec: SpaceSpec) -> str:
    """Table of dimensions, number of architectures, and what the smallest and largest net cost."""
    column = max(map(len, spec.dimensions)) + 2
    rows = [
        f"space {spec.name}, version {spec.version}: {spec.size:,} architectures ({spec.size:.1e})",
        "",
        f"{'dimension':<{column}}choices, cheapest first",
    ]
    for dimension, choices in spec.dimensions.items():
        rows.append(f"{dimension:<{column}}{' '.join(map(str, choices))}")
    small, large = costs(smallest(spec)), costs(largest(spec))
    figures = {
        "parameters": [f"{cost.params:,}" for cost in (small, large)],
        f"MMAC for {spec.clip_seconds:g} s": [f"{cost.macs / 1e6:.2f}" for cost in (small, large)],
        "  of it front end": [f"{cost.frontend_macs / 1e6:.2f}" for cost in (small, large)],
        "peak activations, kB": [
            f"{cost.peak_activation_bytes / 1e3:.0f}" for cost in (small, large)
        ],
    }
    rows += ["", f"{'cost of a net (fp32)':<{column}}{'smallest':>12}{'largest':>12}"]
    rows += [f"{name:<{column}}{low:>12}{high:>12}" for name, (low, high) in figures.items()]
    return "\n".join(rows)
