"""`clips.npz`, beside `supernet.pt`: the clips that judge a subnet and those that calibrate it.

Letters: V validation clips, C calibration clips, T samples of a clip at 16 kHz, K outputs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import UserError
from search_spaces.files import atomic_path
from search_spaces.json_values import parse_json
from search_spaces.npz_file import read_npz
from search_spaces.space import SpaceSpec
from search_spaces.task import Task

SCHEMA_VERSION = 1
_MEND = "write it anew with `python -m lightning_modules fit`"
_INT16_SCALE = 32767.0
_ARRAYS = (
    "validation_waveform",
    "validation_lo",
    "validation_hi",
    "validation_original",
    "calibration_waveform",
)


@dataclass(frozen=True)
class Clips:
    """Labelled validation clips and unlabelled calibration clips as 16-bit sound.

    Raises:
        ValueError: a field has the wrong dtype, shape or range; the message names it.
    """

    validation_waveform: NDArray[np.int16]  # [V, T]
    # [V], or [V, K] where several outputs may be right: the least and the most that the label
    # allows (see `task`); int64, of an embedding that is to be met float32
    validation_lo: NDArray[Any]
    validation_hi: NDArray[Any]
    validation_original: NDArray[np.bool_]  # [V], False for a sum of two labelled clips
    calibration_waveform: NDArray[np.int16]  # [C, T]
    task: Mapping[str, Any] | None = None  # what is labelled, as `Task.to_json` says it

    def __post_init__(self) -> None:
        labels, num_validation = self.validation_lo.shape, len(self.validation_lo)
        samples = self.validation_waveform.shape[-1]
        label = np.float32 if self.validation_lo.dtype == np.float32 else np.int64
        expected = {
            "validation_waveform": (np.int16, (num_validation, samples)),
            "validation_lo": (label, labels),
            "validation_hi": (label, labels),
            "validation_original": (np.bool_, (num_validation,)),
            "calibration_waveform": (np.int16, (len(self.calibration_waveform), samples)),
        }
        for name, (dtype, shape) in expected.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(
                    f"field {name}: got {array.dtype} {list(array.shape)},"
                    f" expected {np.dtype(dtype)} {list(shape)}"
                )
        low, high = self.validation_lo, self.validation_hi
        if not (low <= high).all() or (label == np.int64 and (low < 0).any()):
            raise ValueError("fields validation_lo, validation_hi: expected 0 <= lo <= hi")
        if not self.validation_original.any():
            raise ValueError("field validation_original: marks no clip, expected at least one")
        if not len(self.calibration_waveform):
            raise ValueError("field calibration_waveform: holds no clip, expected at least one")

    @property
    def samples(self) -> int:
        """T."""
        return self.calibration_waveform.shape[1]


def to_int16(waveform: NDArray[np.floating]) -> NDArray[np.int16]:
    """Waveform in [-1, 1], any shape, as 16-bit sound; louder samples are clipped."""
    return np.round(np.clip(waveform, -1.0, 1.0) * _INT16_SCALE).astype(np.int16)


def to_float32(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
    """Inverse of `to_int16` up to rounding: float32 in [-1, 1]."""
    return waveform.astype(np.float32) / np.float32(_INT16_SCALE)


def write_clips(path: Path, clips: Clips) -> None:
    """Write `clips.npz` atomically."""
    with atomic_path(Path(path)) as temporary, temporary.open("wb") as stream:
        arrays: dict[str, Any] = {name: getattr(clips, name) for name in _ARRAYS}
        if clips.task is not None:
            arrays["task"] = np.str_(json.dumps(clips.task))
        np.savez(stream, schema_version=np.int64(SCHEMA_VERSION), **arrays)


def read_clips(path: Path) -> Clips:
    """Read and validate `clips.npz`.

    Raises:
        UserError: missing, not such a file, of another version, or a field that does not fit.
    """
    return read_npz(path, "clips.npz", SCHEMA_VERSION, _MEND, _parse)


def _parse(archive: Any) -> Clips:
    # files of the kit's first versions do not say their task
    task = parse_json(str(archive["task"])) if "task" in archive.files else None
    return Clips(**{name: archive[name] for name in _ARRAYS}, task=task)


def read_clips_for(path: Path, spec: SpaceSpec, task: Task) -> Clips:
    """Read `clips.npz` for nets of a space that were trained for a task.

    Raises:
        UserError: as `read_clips`, or clips of another length or another task than the nets'.
    """
    clips = read_clips(path)
    mend = "give the clips.npz beside the supernet.pt"
    if clips.samples != spec.clip_samples:
        raise UserError(
            f"{path}: its clips have {clips.samples} samples, those of space {spec.name} have"
            f" {spec.clip_samples}; {mend}"
        )
    if clips.task is not None and clips.task != task.to_json():
        raise UserError(f"{path}: is of another task or other classes than the net; {mend}")
    return clips
