"""Lower one net, compare it with eager torch number by number, and decide what may be kept.

Letters: N clips, T samples of a clip, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deploy.bundle import MODEL_FILES
from deploy.check_clips import calibration_waveforms, extreme_waveforms
from deploy.delegation import Delegation
from deploy.engine import Engine
from deploy.export import answering_net, example_waveform, lower_program, ready_to_lower
from deploy.quantize import quantize
from deploy.quiet import quiet
from deploy.temperature import fit_temperature
from search_spaces.clips_file import Clips, to_float32
from search_spaces.errors import UserError
from search_spaces.metrics import Estimate
from search_spaces.task import Task

TOLERANCE = {"fp32": 1e-3, "int8": 0.1}  # of a probability; int8 rounds differently
# Of the range of an embedding's numbers, whose differences no softmax makes small.
EMBEDDING_TOLERANCE = {"fp32": 1e-3, "int8": 0.25}
INT8_COMPARED_VALIDATION_CLIPS = 64  # the quantised graph is slow in eager torch
_BATCH = 16


@dataclass(frozen=True)
class LoweredModel:
    """One ``.pte`` file and what is known of it.

    Attributes:
        delegation: where it runs.
        max_difference: largest difference of an output from eager torch.
        tolerance: that it may have.
        compared_clips: clips that were compared.
        validation: figures of the task of this very file on the labelled validation clips.
        error: the headline on those clips and the sums of them, in points; finer where there are
            sums.
    """

    delegation: Delegation
    max_difference: float
    tolerance: float
    compared_clips: int
    validation: dict[str, Estimate]
    error: float


@dataclass(frozen=True)
class LoweredNet:
    """A net's files.

    Attributes:
        temperature: divisor of the logits inside the files.
        eager: waveforms [N, T] to probabilities [N, K] by the net before lowering.
        fp32: always there.
        int8: None where it was not kept.
        int8_reason: why it was not kept, or by how much it missed the limit.
        int8_drop_points: accuracy that int8 loses, kept or not; None where it was not judged.
        calibration_clips: clips that set the scales of int8.
    """

    temperature: float
    eager: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    fp32: LoweredModel
    int8: LoweredModel | None
    int8_reason: str | None
    int8_drop_points: float | None
    calibration_clips: int


class _Int8RejectedError(Exception):
    """The int8 file may not be kept; the message says why."""


def lower_net(
    name: str,
    network: nn.Module,
    clips: Clips,
    task: Task,
    folder: Path,
    *,
    max_int8_drop_points: float,
    allow_drop: bool = False,
    tell: Callable[[str], None] = lambda stage: None,
) -> LoweredNet:
    """Write ``model.pte`` and, if it passes, ``model_int8.pte`` to ``folder``.

    Args:
        name: of the net, for messages.
        network: waveform [B, T] to logits [B, K], in evaluation mode.
        clips: validation clips that judge, calibration clips that set the scales of int8.
        task: by which the net is judged.
        folder: exists.
        max_int8_drop_points: accuracy (less headline error) that int8 may lose, in percentage
            points; without sums of clips at least the weight of one clip.
        allow_drop: keep int8 whatever accuracy it loses.
        tell: is called with what is being done.

    Raises:
        UserError: fp32 differs from eager by more than the tolerance, too few MACs are delegated,
            or no validation clip has a label that settles the headline error.
    """
    validation = to_float32(clips.validation_waveform)
    temperature = _temperature(network, validation, clips, task)
    net = answering_net(network, task, temperature)
    folded = ready_to_lower(net)

    tell("fp32")
    with quiet():
        lowered = lower_program(folded, example_waveform(clips.samples))
    lowered.delegation.check(name)
    engine = _write(folder, "fp32", lowered.program)
    checked = np.concatenate([calibration_waveforms(clips), extreme_waveforms(clips), validation])
    answers, expected = engine.run_many(checked), run_eager(net, checked)
    difference, allowed = _largest_difference(expected, answers), tolerance("fp32", task, expected)
    if not difference <= allowed:
        raise UserError(
            f"{name}: fp32 differs from eager torch by {difference:.2g} on {len(checked)} clips,"
            f" allowed {allowed:g}; report it with the architecture"
        )
    fp32 = _judge(
        name,
        lowered.delegation,
        difference,
        allowed,
        len(checked),
        answers[-len(validation) :],
        clips,
        task,
    )

    tell("int8")
    calibration = calibration_waveforms(clips)
    reason = None
    drop: float | None = None
    int8: LoweredModel | None = None
    try:
        int8 = _lower_int8(name, folded, calibration, clips, task, folder)
        drop = int8.error - fp32.error
        limit = max_int8_drop_points
        if not task.adds:  # no sums of clips: one clip may weigh more than the limit
            limit = max(limit, 100.0 / len(validation))
        if drop > limit:
            reason = (
                f"int8 loses {drop:.2f} points of {task.accuracy} on {len(validation)} validation"
                f" clips, allowed {limit:.3g}"
            )
            if not allow_drop:
                raise _Int8RejectedError(f"{reason} (--allow-drop keeps it)")
    except _Int8RejectedError as rejection:
        int8, reason = None, str(rejection)
        (folder / MODEL_FILES["int8"]).unlink(missing_ok=True)
    return LoweredNet(
        temperature=temperature,
        eager=lambda waveforms: run_eager(net, waveforms),
        fp32=fp32,
        int8=int8,
        int8_reason=reason,
        int8_drop_points=drop,
        calibration_clips=len(calibration),
    )


def run_eager(net: nn.Module, waveforms: NDArray[np.float32], batch: int = _BATCH) -> NDArray:
    """Run a net in torch, float32 [N, T] -> [N, K]."""
    with torch.no_grad():
        return np.concatenate(
            [
                net(torch.from_numpy(waveforms[start : start + batch])).numpy()
                for start in range(0, len(waveforms), batch)
            ]
        )


def _temperature(
    network: nn.Module, validation: NDArray[np.float32], clips: Clips, task: Task
) -> float:
    """Fitted on the clips that were labelled, not on the sums of them; 1 without probabilities."""
    if not task.probabilistic:
        return 1.0
    original = clips.validation_original
    logits = run_eager(network, validation[original])
    lo, hi = clips.validation_lo[original], clips.validation_hi[original]
    return fit_temperature(logits, lo, hi, task.several)


def _lower_int8(
    name: str,
    folded: nn.Module,
    calibration: NDArray[np.float32],
    clips: Clips,
    task: Task,
    folder: Path,
) -> LoweredModel:
    inputs: list[Tensor] = [torch.from_numpy(clip)[None] for clip in calibration]
    with quiet():
        # The last layer of an embedding is most of a small net, and has no probabilities to spoil.
        quantized = quantize(folded, inputs, last_layer_fp32=task.probabilistic)
        lowered = lower_program(quantized, inputs[0])
    try:
        lowered.delegation.check(f"{name} int8")
    except UserError as error:
        raise _Int8RejectedError(str(error)) from None
    engine = _write(folder, "int8", lowered.program)
    validation = to_float32(clips.validation_waveform)
    checked = np.concatenate(
        [calibration, extreme_waveforms(clips), validation[:INT8_COMPARED_VALIDATION_CLIPS]]
    )
    expected = run_eager(quantized, checked, batch=1)
    difference = _largest_difference(expected, engine.run_many(checked))
    allowed = tolerance("int8", task, expected)
    if not difference <= allowed:
        raise _Int8RejectedError(
            f"int8 differs from its quantised graph in eager torch by {difference:.3g} on"
            f" {len(checked)} clips, allowed {allowed:g}"
        )
    return _judge(
        name,
        lowered.delegation,
        difference,
        allowed,
        len(checked),
        engine.run_many(validation),
        clips,
        task,
    )


def _write(folder: Path, precision: str, program: bytes) -> Engine:
    path = folder / MODEL_FILES[precision]
    path.write_bytes(program)
    return Engine(path)


def tolerance(precision: str, task: Task, expected: NDArray[np.float32]) -> float:
    """Largest difference that is allowed from outputs [N, K]."""
    if task.probabilistic:
        return TOLERANCE[precision]
    return EMBEDDING_TOLERANCE[precision] * float(np.ptp(expected))


def _largest_difference(expected: NDArray, got: NDArray) -> float:
    """Largest absolute difference; NaN in either is NaN, which no tolerance allows."""
    return float(np.abs(expected.astype(np.float64) - got).max())


def _judge(
    name: str,
    delegation: Delegation,
    difference: float,
    allowed: float,
    compared: int,
    answers: NDArray[np.float32],
    clips: Clips,
    task: Task,
) -> LoweredModel:
    low, high, original = clips.validation_lo, clips.validation_hi, clips.validation_original
    every = task.judge(answers, low, high, resamples=1)[task.headline.key].value
    if every is None:
        raise UserError(
            f"{name}: no validation clip's label settles the {task.headline.title}; label such"
            " clips"
        )
    return LoweredModel(
        delegation=delegation,
        max_difference=difference,
        tolerance=allowed,
        compared_clips=compared,
        validation=task.judge(answers[original], low[original], high[original]),
        error=100.0 * every,
    )
