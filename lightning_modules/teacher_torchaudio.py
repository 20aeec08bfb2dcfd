"""Teachers among torchaudio's pipelines whose weights lie in its cache already.

B clips, L samples, D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from search_spaces.errors import UserError

SCHEME = "torchaudio:"  # begins `--data.teacher torchaudio:NAME` or `torchaudio:NAME:LAYER`


class Pipeline(NamedTuple):
    """One of torchaudio's: waveform [B, L] to [B, frames, D], its rate, layer and weights' file."""

    answer: Callable[[Tensor], Tensor]
    rate_hz: int
    layer: int
    weights: Path


def open_pipeline(place: str, device: str) -> Pipeline:
    """A wav2vec 2.0, HuBERT or WavLM of torchaudio, answering with a transformer layer's frames.

    Args:
        place: ``torchaudio:NAME``, or with the number of the layer, counted from 1; the last one
            without it.
        device: to run on.

    Raises:
        UserError: no such pipeline or layer, or weights that are not in torchaudio's cache; nothing
            is downloaded.
    """
    from torchaudio import pipelines
    from torchaudio.pipelines import Wav2Vec2Bundle

    name, _, layer = place.removeprefix(SCHEME).partition(":")
    known = {
        key: value for key, value in vars(pipelines).items() if isinstance(value, Wav2Vec2Bundle)
    }
    if name not in known:
        raise UserError(
            f"{place}: no such pipeline of torchaudio; there are {', '.join(sorted(known)[:30])}"
        )
    weights = Path(torch.hub.get_dir(), "checkpoints", Path(known[name]._path).name)
    if not weights.is_file():
        raise UserError(
            f"{place}: its weights are not at {weights}; put them there, or run"
            f" `torchaudio.pipelines.{name}.get_model()` once, which downloads them"
        )
    net = known[name].get_model().to(device).eval()
    layers = known[name]._params["encoder_num_layers"]
    if layer and not (layer.isdecimal() and 1 <= int(layer) <= layers):
        raise UserError(f"{place}: layer {layer!r}, expected 1 to {layers}")
    number = int(layer or layers)
    return Pipeline(
        lambda waveform: net.extract_features(waveform.to(device), num_layers=number)[0][-1],
        round(known[name].sample_rate),
        number,
        weights,
    )
