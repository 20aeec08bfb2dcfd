"""A space in words and figures, for `python -m search_spaces describe`."""

from __future__ import annotations

from search_spaces.architecture import largest, smallest
from search_spaces.cost import costs
from search_spaces.space import SpaceSpec
from search_spaces.spaces import PICTURE_SPACES


def describe(spec: SpaceSpec) -> str:
    """Table of dimensions, number of architectures, and what the smallest and largest net cost.

    Not the latter where nets share no weights, which have neither.
    """
    column = max(map(len, spec.dimensions)) + 2
    order = "choices" if spec.name in PICTURE_SPACES else "choices, cheapest first"
    rows = [
        f"space {spec.name}, version {spec.version}: {spec.size:,} architectures ({spec.size:.1e})",
        "",
        f"{'dimension':<{column}}{order}",
    ]
    for dimension, choices in spec.dimensions.items():
        rows.append(f"{dimension:<{column}}{' '.join(map(str, choices))}")
    if spec.name in PICTURE_SPACES:
        # Each is built to count it, and its choices have no order by which one were the largest.
        return "\n".join([*rows, "", "Its nets share no weights; each is trained alone."])
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
