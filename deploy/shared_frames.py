"""Overlapping windows that share the front end's frames, by two programs in place of one.

A frame's energies do not depend on the clip that holds it; what follows them does (their level
against the clip's mean, each band's mean, padding), so nothing else can be shared.
Letters: N windows, T samples of a window, M mels, F frames of a window, K outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.bundle import ANEW, MANIFEST, Bundle
from deploy.engine import Engine
from deploy.windows import Window
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.frontend_geometry import FrontEndGeometry, frontend_settings

# waveform [1, T] -> energies [1, M + 1, F]
FRAMES_FILES = {"fp32": "shared_frames.pte", "int8": "shared_frames_int8.pte"}
TRUNK_FILES = {"fp32": "shared_trunk.pte", "int8": "shared_trunk_int8.pte"}  # -> [1, K]


class SharedFrames:
    """Runs overlapping windows, by frames that several of them have in common.

    Args:
        frames: one of `FRAMES_FILES`.
        trunk: that of `TRUNK_FILES` in the same precision.
        geometry: of the front end; it says T and F.
        hop_frames: frames from one window's start to that ``turns`` windows on, at most F / 2.
        turns: after so many windows one starts with a frame of the first one's again.
    """

    def __init__(
        self,
        frames: Engine,
        trunk: Engine,
        geometry: FrontEndGeometry,
        hop_frames: int,
        turns: int = 1,
    ) -> None:
        self._frames, self._trunk = frames, trunk
        self._clip_samples, self._clip_frames = geometry.clip_samples, geometry.frames
        self._hop_frames, self._turns = hop_frames, turns

    def run(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """One window alone, float32 [T] -> [K]."""
        return self._decided(self._energies(waveform))

    def run_windows(self, windows: Sequence[Window]) -> NDArray[np.float32]:
        """Consecutive windows, [N, K]; from one that is filled up or scaled on each runs alone."""
        plain = [
            window.gain == 1.0
            and round((window.end_s - window.start_s) * SAMPLE_RATE_HZ) == self._clip_samples
            for window in windows
        ]
        shared = plain.index(False) if False in plain else len(plain)
        alone = [self.run(window.waveform) for window in windows[shared:]]
        together = [np.empty(0, np.float32)] * shared
        for turn in range(self._turns):
            of_turn = slice(turn, shared, self._turns)
            together[of_turn] = self._run_whole(windows[of_turn])
        return np.stack([*together, *alone])

    def _run_whole(self, windows: Sequence[Window]) -> list[NDArray[np.float32]]:
        """Each [K]: only each few-th has its frames computed, the others lie between two."""
        if not windows:
            return []
        step = self._clip_frames // self._hop_frames
        keys = [*range(0, len(windows) - 1, step), len(windows) - 1]
        answers = []
        following = self._energies(windows[0].waveform)
        for key, next_key in pairwise(keys):
            energies, following = following, self._energies(windows[next_key].waveform)
            behind = self._clip_frames - (next_key - key) * self._hop_frames
            for offset in range(0, (next_key - key) * self._hop_frames, self._hop_frames):
                answers.append(self._decided(_joined(energies, following, offset, behind)))
        answers.append(self._decided(following))
        return answers

    def _energies(self, waveform: NDArray[np.float32]) -> Any:
        import torch

        return self._frames.run_tensor(torch.from_numpy(np.ascontiguousarray(waveform)[None]))

    def _decided(self, energies: Any) -> NDArray[np.float32]:
        return self._trunk.run_tensor(energies)[0].numpy()


def load_shared(bundle: Bundle, precision: str | None, hop_samples: int) -> SharedFrames | None:
    """What shares frames at this hop; None where the bundle lacks it or it gains nothing.

    Raises:
        UserError: the manifest does not say which front end it is.
    """
    chosen = bundle.choose_precision(precision)
    if not {FRAMES_FILES[chosen], TRUNK_FILES[chosen]} <= bundle.manifest["files"].keys():
        return None
    geometry = _geometry(bundle)
    frame_samples = geometry.hop_ms * SAMPLE_RATE_HZ // 1000
    together_samples = math.lcm(hop_samples, frame_samples)
    hop_frames = together_samples // frame_samples
    if 2 * hop_frames > geometry.frames:
        return None
    return SharedFrames(
        Engine(bundle.path / FRAMES_FILES[chosen]),
        Engine(bundle.path / TRUNK_FILES[chosen]),
        geometry,
        hop_frames,
        together_samples // hop_samples,
    )


def _geometry(bundle: Bundle) -> FrontEndGeometry:
    try:
        settings = frontend_settings(bundle.manifest["architecture"]["choices"])
        return FrontEndGeometry(**settings, clip_samples=bundle.clip_samples)
    except (KeyError, UserError) as error:
        what = f"lacks {error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise UserError(
            f"{bundle.path / MANIFEST}: field $.architecture.choices: {what}; {ANEW}"
        ) from None


def _joined(energies: Any, following: Any, offset: int, behind: int) -> Any:
    """The energies from frame ``offset`` on; those that lack begin at ``behind`` of the next."""
    import torch

    if offset == 0:
        return energies
    return torch.cat([energies[:, :, offset:], following[:, :, behind : behind + offset]], dim=2)
