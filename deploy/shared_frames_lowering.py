"""Lower a net once more, in two halves, so that overlapping windows can share frames.

Letters: N clips, T samples of a clip, M mels, F frames, K counts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from deploy.bundle import MODEL_FILES
from deploy.check_clips import calibration_waveforms, extreme_waveforms
from deploy.engine import Engine
from deploy.export import ProbabilityNet, example_waveform, lower_program, ready_to_lower
from deploy.int8_frontend import with_int8_frontend
from deploy.lowering import TOLERANCE, LoweredNet
from deploy.quantize import quantize
from deploy.quiet import quiet
from deploy.shared_frames import FRAMES_FILES, TRUNK_FILES, SharedFrames
from search_spaces.clips_file import Clips
from search_spaces.errors import UserError
from search_spaces.frontend_halves import halves


def lower_halves(
    name: str, network: nn.Module, lowered: LoweredNet, clips: Clips, folder: Path
) -> None:
    """Write the halves of every precision that was kept, and compare them with the whole.

    Args:
        name: of the net, for messages.
        network: waveform [B, T] to logits [B, K], in evaluation mode.
        lowered: what `deploy.lowering.lower_net` wrote to ``folder``.
        clips: whose calibration clips set the scales of int8.
        folder: of the bundle.

    Raises:
        UserError: the halves answer otherwise than the whole, or too few MACs are delegated.
    """
    frames_net, rest = halves(network)
    first = ready_to_lower(frames_net.eval())
    second = ready_to_lower(ProbabilityNet(rest, lowered.temperature).eval())
    waveforms = calibration_waveforms(clips)
    checked = np.concatenate([waveforms, extreme_waveforms(clips)])
    for precision, file in TRUNK_FILES.items():
        if precision == "int8" and lowered.int8 is None:
            continue
        if precision == "int8":
            first = with_int8_frontend(first)
        with torch.no_grad():
            energies = [first(torch.from_numpy(clip)[None]) for clip in waveforms]
        with quiet():
            half = quantize(second, energies) if precision == "int8" else second
        example = example_waveform(clips.samples)
        frames = _written(name, first, example, folder / FRAMES_FILES[precision])
        trunk = _written(name, half, energies[0], folder / file)
        shared = SharedFrames(frames, trunk, frames_net.frontend.geometry, 1)
        answers = np.stack([shared.run(clip) for clip in checked])
        expected = Engine(folder / MODEL_FILES[precision]).run_many(checked)
        difference = float(np.abs(expected.astype(np.float64) - answers).max())
        if not difference <= TOLERANCE[precision]:
            raise UserError(
                f"{name}: {precision} in halves differs from the whole by {difference:.2g} on"
                f" {len(checked)} clips, allowed {TOLERANCE[precision]:g}; leave out --share-frames"
            )


def _written(name: str, network: nn.Module, example: torch.Tensor, path: Path) -> Engine:
    with quiet():
        program = lower_program(network, example)
    program.delegation.check(f"{name} {path.stem}")
    path.write_bytes(program.program)
    return Engine(path)
