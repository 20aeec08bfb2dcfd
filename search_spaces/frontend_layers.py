"""The front end's operators as costs and latency predictions see them, as lowered.

Letters: N samples of a window, F frames, L numbers of a folded frame, K bins of a group, M mels.
"""

from __future__ import annotations

from functools import lru_cache

from search_spaces.frontend_geometry import DECIMATED_ROW, FrontEndGeometry
from search_spaces.frontend_weights import dft_groups, padded_rows
from search_spaces.layer import Layer


@lru_cache(maxsize=256)
def frontend_layers(geometry: FrontEndGeometry) -> tuple[Layer, ...]:
    """Operators of `LogMelFrontEnd` for one clip, in order; padding of the products is counted.

    Copies and elementwise operators other than the fold and the logarithm are left out: they do no
    products and hold fewer numbers than their neighbours.
    """
    n, mels, frames = geometry.window_samples, geometry.mels, geometry.frames
    groups = dft_groups(geometry)
    layers = []
    if geometry.decimation > 1:
        row, rows = geometry.decimation_row, geometry.decimation_rows
        for name, held in (("taps_here", 0), ("taps_following", rows * DECIMATED_ROW)):
            layers.append(_product(name, "decimation", row, DECIMATED_ROW, rows, held))
    layers.append(_weightless("fold", n, frames))
    waiting, done = sum(group.length for group in groups), 0
    for index, group in enumerate(groups):
        waiting -= group.length
        held = (waiting + done) * frames
        outputs = padded_rows(2 * len(group.bins))
        layers.append(_product(f"dft_{index}", "stft", group.length, outputs, frames, held))
        done += len(group.bins)
    if geometry.bin_step:
        # Of the odd bands and of the even ones, by the same weights
        layers.append(_product("mean", "level", mels // 2, 1, 2 * frames, held=mels * frames))
    else:
        layers.append(_product("mel", "mel", done, padded_rows(mels + 1), frames))
    layers.append(_product("average", "level", frames, 1, 1, held=mels * frames))
    layers.append(_weightless("log", mels, frames))
    return tuple(layers)


def _product(name: str, kind: str, inputs: int, outputs: int, rows: int, held: int = 0) -> Layer:
    """A matrix product, [rows, inputs] -> [rows, outputs]."""
    return Layer(
        name=f"frontend.{name}",
        part="frontend",
        kind=kind,
        in_channels=inputs,
        out_channels=outputs,
        in_size=(1, rows),
        out_size=(1, rows),
        macs=rows * inputs * outputs,
        weight_elements=inputs * outputs,
        held_elements=held,
    )


def _weightless(kind: str, channels: int, rows: int) -> Layer:
    """An elementwise operator on [rows, channels]."""
    return Layer(
        name=f"frontend.{kind}",
        part="frontend",
        kind=kind,
        in_channels=channels,
        out_channels=channels,
        in_size=(1, rows),
        out_size=(1, rows),
    )
